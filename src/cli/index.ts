/** The command line: `causeway COMMAND [options]`. */
import { ConfigError } from '../config/load.ts'
import { MatrixError } from '../core/errors.ts'
import { OperatorError } from '../core/operator-error.ts'
import { PROGRAM_NAME, programVersion } from '../core/version.ts'
import { checkConfig } from './check-config.ts'
import { type Command, readArguments, suggestion, type Terminal, UsageError } from './command.ts'
import { createUser } from './create-user.ts'
import { fleet } from './fleet.ts'
import { generateKey } from './generate-key.ts'
import type { Program } from '../app/program.ts'
import { serve } from './serve.ts'

const COMMANDS: Readonly<Record<string, Command>> = {
  serve,
  'check-config': checkConfig,
  'create-user': createUser,
  'generate-key': generateKey,
  fleet,
}

/** Runs a command; returns the exit code: 0, 1 where it failed, 2 where the command line or the configuration is wrong. */
export async function main(args: readonly string[], terminal: Terminal, program: () => Promise<Program>): Promise<number> {
  try {
    return await dispatch(args, terminal, program)
  } catch (error) {
    terminal.err(`${messageOf(error)}\n`)
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1
  }
}

async function dispatch(
  [name, ...rest]: readonly string[],
  terminal: Terminal,
  program: () => Promise<Program>,
): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return print(terminal, overview())
  if (name === '--version' || name === '-v') return print(terminal, `${programVersion()}\n`)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) throw new UsageError(`unknown command ${name}${suggestion(name, Object.keys(COMMANDS))}`)
  if (rest.includes('--help') || rest.includes('-h')) return print(terminal, helpFor(name, command))
  return command.run(readArguments(name, command, rest), terminal, program)
}

function print(terminal: Terminal, text: string): number {
  terminal.out(text)
  return 0
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`)
  return `${PROGRAM_NAME} ${programVersion()}, a Matrix homeserver

Usage: causeway COMMAND [options]

${lines.join('\n')}

  COMMAND --help  says more about a command.
  --version       prints the version.
`
}

function helpFor(name: string, { summary, options, positionals }: Command): string {
  const shown = Object.entries(options).map(([option, { value, help }]) => ({
    term: `--${option}${value ? ` ${value}` : ''}`,
    help,
  }))
  const width = Math.max(...shown.map(({ term }) => term.length))
  const lines = shown.map(({ term, help }) => `  ${term.padEnd(width)}  ${help}`)
  return `${summary}\n\nUsage: causeway ${[name, '[options]', ...positionals].join(' ')}\n\n${lines.join('\n')}\n`
}

/** A stack only where the mistake may be ours. */
function messageOf(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\nTry --help.`
  if (error instanceof OperatorError || error instanceof MatrixError) return error.message
  // Ports in use, files that may not be read: the system's own words suffice.
  if (error instanceof Error && 'syscall' in error) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
