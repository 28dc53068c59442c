/** What a command of the command line is made of, and how its arguments are read. */
import { parseArgs } from 'node:util'
import { closest } from '../core/closest.ts'
import type { Program } from '../app/program.ts'

/** The process around a command; tests pass their own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Results: what a script would read. */
  out(text: string): void
  /** Everything for people. */
  err(text: string): void
  /** Reads one line from the standard input, without showing it where a person types. */
  readSecret(prompt: string): Promise<string>
  /** True where a person can be asked. */
  readonly isInteractive: boolean
}

export interface Option {
  /** Name of the value, for example FILE; without it the option is a switch. */
  readonly value?: string
  readonly help: string
}

export interface Arguments {
  readonly options: Readonly<Record<string, string | true>>
  readonly positionals: readonly string[]
}

export interface Command {
  readonly summary: string
  readonly options: Readonly<Record<string, Option>>
  /** Names of what must be given besides options, for example NAME. */
  readonly positionals: readonly string[]
  /** Returns the exit code. */
  run(given: Arguments, terminal: Terminal, program: () => Promise<Program>): Promise<number>
}

/** The command line was not understood; exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export const CONFIG_OPTION: Readonly<Record<string, Option>> = {
  config: { value: 'FILE', help: 'Configuration file; causeway.yaml in the working directory if there is one.' },
}

/** Reads the arguments behind a command's name. Throws UsageError. */
export function readArguments(
  name: string,
  command: Pick<Command, 'options' | 'positionals'>,
  args: readonly string[],
): Arguments {
  const known = Object.entries(command.options).map(
    ([option, { value }]) => [option, { type: value ? 'string' : 'boolean' }] as const,
  )
  const { tokens } = parseArgs({ args: [...args], options: Object.fromEntries(known), strict: false, tokens: true })
  const options: Record<string, string | true> = {}
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind === 'option') options[token.name] = valueOf(token, command.options)
  }
  const missing = command.positionals[positionals.length]
  if (missing !== undefined) throw new UsageError(`${name} needs ${missing}`)
  if (positionals.length > command.positionals.length)
    throw new UsageError(`${name} does not take "${positionals[command.positionals.length]}"`)
  return { options, positionals }
}

function valueOf(
  token: { name: string; rawName: string; value?: string | undefined },
  options: Command['options'],
): string | true {
  const option = options[token.name]
  if (option === undefined)
    throw new UsageError(`unknown option ${token.rawName}${suggestion(token.name, Object.keys(options), '--')}`)
  if (option.value === undefined) {
    if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`)
    return true
  }
  // A value that looks like an option is a forgotten value.
  if (token.value === undefined || token.value.startsWith('--')) throw new UsageError(`${token.rawName} needs ${option.value}`)
  return token.value
}

/** `; did you mean …?`, or nothing. */
export function suggestion(word: string, candidates: readonly string[], prefix = ''): string {
  const near = closest(word, candidates)
  return near === undefined ? '' : `; did you mean ${prefix}${near}?`
}
