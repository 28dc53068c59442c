/** The command line, but a server checks its answers: one that is not as declared is a 500, and said on the standard error. */
import { openAccounts, startApp } from '../../src/app.ts'
import { main } from '../../src/cli/index.ts'
import { processTerminal } from '../../src/cli/terminal.ts'

const terminal = processTerminal()
const onUndeclared = (mistake: string) => terminal.err(`${mistake}\n`)
const program = { startApp: (config: Parameters<typeof startApp>[0]) => startApp(config, { onUndeclared }), openAccounts }

process.exitCode = await main(process.argv.slice(2), terminal, async () => program)
