import type { Config } from '../config/schema.ts'
import { warnings } from '../config/rules.ts'
import { PROGRAM_NAME, programVersion } from '../core/version.ts'
import { CONFIG_OPTION, type Command, type Terminal } from './command.ts'
import { configFor } from './config-file.ts'
import type { RunningApp } from '../app/program.ts'

const STOP_WITHIN_MS = 5_000
/** npm passes a terminal's Ctrl-C on, so that one press arrives twice. */
const ECHO_MS = 300
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 }

/** A server that runs until SIGINT or SIGTERM. */
export const serve: Command = {
  summary: 'Run the server.',
  options: CONFIG_OPTION,
  positionals: [],
  async run(given, terminal, program) {
    const { config } = configFor(given, terminal)
    for (const warning of warnings(config)) terminal.err(`Warning: ${warning}\n`)
    const stopped = stopSignal(terminal)
    const app = await (await program()).startApp(config)
    announce(app, config, terminal)
    await stopped
    terminal.err('Stopping…\n')
    const deadline = setTimeout(
      () => abandon(terminal, `Not everything stopped within ${STOP_WITHIN_MS} ms\n`, 1),
      STOP_WITHIN_MS,
    )
    await app[Symbol.asyncDispose]()
    clearTimeout(deadline)
    return 0
  },
}

function announce({ urls, setupLink }: RunningApp, config: Config, terminal: Terminal): void {
  terminal.err(`${PROGRAM_NAME} ${programVersion()} serves ${config.serverName} at ${urls.join(' and ')}\n`)
  terminal.err(`Clients connect to ${config.publicBaseUrl}\n`)
  if (setupLink === undefined) return
  terminal.err(
    `\nThere is no account yet. Make the first one, an administrator, with this link (it works once):\n\n  ${setupLink}\n\n`,
  )
  terminal.err('or on the command line:\n\n  npx node dist/cli.js create-user --admin NAME\n\n')
}

/** Resolves at the first signal; another one ends the process at once. */
function stopSignal(terminal: Terminal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let firstAt: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = performance.now()
        resolve()
      } else if (performance.now() - firstAt > ECHO_MS) {
        abandon(terminal, 'Stopped at once\n', EXIT_CODES[signal])
      }
    })
  }
  return promise
}

/** What is committed is safe; everything else is lost. */
function abandon(terminal: Terminal, message: string, exitCode: number): never {
  terminal.err(message)
  process.exit(exitCode)
}
