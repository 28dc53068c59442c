import { warnings } from '../config/rules.ts'
import { CONFIG_OPTION, type Command } from './command.ts'
import { configFor } from './config-file.ts'

/** Loads the configuration as `serve` would and says what each setting is and where it comes from. */
export const checkConfig: Command = {
  summary: 'Check the configuration and show every setting with where it comes from.',
  options: CONFIG_OPTION,
  positionals: [],
  async run(given, terminal) {
    const { config, settings } = configFor(given, terminal)
    const width = Math.max(...settings.map(({ key }) => key.length))
    for (const { key, shown, from } of settings) terminal.out(`${key.padEnd(width)}  ${shown}  # ${from}\n`)
    for (const warning of warnings(config)) terminal.err(`Warning: ${warning}\n`)
    terminal.err(`The configuration is valid: ${config.serverName}, clients connect to ${config.publicBaseUrl}\n`)
    return 0
  },
}
