import type { Config } from '../config/schema.ts'
import { warnings } from '../config/rules.ts'
import { PROGRAM_NAME, programVersion } from '../core/version.ts'
import { CONFIG_OPTION, type Command, type Terminal } from './command.ts'
import { configFor } from './config-file.ts'
import type { RunningApp } from '../app/program.ts'
import { abandon, stopSignal } from './stop-signal.ts'

const STOP_WITHIN_MS = 5_000

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
