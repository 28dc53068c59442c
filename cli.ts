#!/usr/bin/env node
import { main } from './src/cli/index.ts'
import { processTerminal } from './src/cli/terminal.ts'

process.exitCode = await main(process.argv.slice(2), processTerminal(), () => import('./src/app.ts'))
