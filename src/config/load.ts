/** File and environment, once, into a closed `Config`. Nothing else in the server reads either. */
import { networkInterfaces } from 'node:os'
import { OperatorError } from '../core/operator-error.ts'
import { type Decoding, decode, type Setting } from './decode.ts'
import { isGroup, type Problem, readDocument, type Written } from './document.ts'
import { type Environment, withEnvironment } from './environment.ts'
import { contradictions } from './rules.ts'
import { type Config, configSchema } from './schema.ts'

export interface ConfigSource {
  /** YAML file; without it everything has its default and the server is called `localhost`. */
  readonly file?: string | undefined
  readonly env: Environment
  /** Where relative paths start. */
  readonly cwd: string
}

export interface LoadedConfig {
  readonly config: Config
  /** Every effective setting with where it comes from. */
  readonly settings: readonly Setting[]
}

/** All that is wrong with a configuration at once. */
export class ConfigError extends OperatorError {
  override name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'an error' : `${problems.length} errors`
    super(
      [`There is ${count} in the configuration:`, ...problems.map((problem) => `  ${problem.where}: ${problem.message}`)].join(
        '\n',
      ),
    )
    this.problems = problems
  }
}

/** The settings to run with. Throws ConfigError. */
export function loadConfig(source: ConfigSource): Config {
  return inspectConfig(source).config
}

/** As loadConfig, and says where each setting comes from. Throws ConfigError. */
export function inspectConfig({ file, env, cwd }: ConfigSource): LoadedConfig {
  const problems: Problem[] = []
  const base = file === undefined ? withoutFile : readDocument(cwd, file, problems)
  const written = withEnvironment(base, env, problems)
  const decoding: Decoding = { written, cwd, source: file ?? 'no configuration file', problems, settings: [] }
  const decoded = decode(
    decoding,
    configSchema,
    { ...written.values, listeners: written.values['listeners'] ?? defaultListeners() },
    [],
  )
  if (problems.length > 0 || !isGroup(decoded)) throw new ConfigError(problems)
  // The schema that `decode` has just applied is the one that Config is derived from.
  const declared = decoded as Omit<Config, 'publicBaseUrl'> & { publicBaseUrl?: string }
  const config: Config = { ...declared, publicBaseUrl: (declared.publicBaseUrl ?? defaultBaseUrl(declared)).replace(/\/+$/, '') }
  const wrong = contradictions(config)
  if (wrong.length > 0) throw new ConfigError(wrong.map((message) => ({ where: decoding.source, message })))
  return { config, settings: decoding.settings }
}

const withoutFile: Written = { values: { server_name: 'localhost' }, where: () => undefined }

const DEFAULT_PORT = 8008

/** Clients that are told `localhost` try ::1 or 127.0.0.1 first, so both answer where both exist. */
function defaultListeners(): { address: string; port: number }[] {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries?.map((entry) => entry.address) ?? [])
  return ['127.0.0.1', ...(addresses.includes('::1') ? ['::1'] : [])].map((address) => ({ address, port: DEFAULT_PORT }))
}

function defaultBaseUrl({ serverName, listeners }: Pick<Config, 'serverName' | 'listeners'>): string {
  const first = listeners[0]
  if (!/^localhost(:|$)/.test(serverName) || first === undefined) return `https://${serverName}`
  return `${first.tls === undefined ? 'http' : 'https'}://localhost:${first.port}`
}
