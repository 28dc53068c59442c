#!/usr/bin/env node
import { versions } from 'node:process'

/** As `engines` in package.json has it: on older ones the database's native module crashes without a word. */
const OLDEST = [22, 19] as const

const [major = 0, minor = 0] = versions.node.split('.').map(Number)
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `This is Node ${versions.node}; Causeway needs ${OLDEST.join('.')} or later. npm has brought one along: npx node dist/cli.js\n`,
  )
  process.exitCode = 2
} else {
  // Only now: older ones cannot even load the rest.
  if (process.argv[2] === 'serve') (await import('./src/cli/memory.ts')).limitMemory()
  const [{ main }, { processTerminal }] = await Promise.all([import('./src/cli/index.ts'), import('./src/cli/terminal.ts')])
  process.exitCode = await main(process.argv.slice(2), processTerminal(), () => import('./src/app.ts'))
}
