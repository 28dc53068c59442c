/** The command line over a server that starts at once and never comes to rest. */
import { main } from '../../src/cli/index.ts'
import { processTerminal } from '../../src/cli/terminal.ts'

// As an open socket would, this keeps the process alive.
setInterval(() => undefined, 60_000)

const app = {
  urls: ['http://127.0.0.1:1'],
  setupLink: undefined,
  [Symbol.asyncDispose]: () => new Promise<void>(() => undefined),
}
process.exitCode = await main(process.argv.slice(2), processTerminal(), async () => ({
  startApp: async () => app,
  openAccounts: () => Promise.reject(new Error('not here')),
}))
