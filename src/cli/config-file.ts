import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ConfigSource, inspectConfig, type LoadedConfig } from '../config/load.ts'
import type { Arguments, Terminal } from './command.ts'

const DEFAULT_FILE = 'causeway.yaml'

/** The configuration that a command works with. Throws ConfigError. */
export function configFor({ options }: Arguments, { env, cwd }: Terminal): LoadedConfig {
  return inspectConfig({ file: fileFor(options['config'], cwd), env, cwd })
}

function fileFor(given: string | true | undefined, cwd: string): ConfigSource['file'] {
  if (typeof given === 'string') return given
  return existsSync(join(cwd, DEFAULT_FILE)) ? DEFAULT_FILE : undefined
}
