/**
 * Structured logging. The composition root opens the log and hands each subsystem its own logger.
 * No secret gets into it: known fields are blanked by name, tokens inside texts and URLs by shape.
 */
import { mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { isatty } from 'node:tty'
import { pino } from 'pino'
import { textLine } from './log-text.ts'

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void

/** What a module asks for. An error goes into the field `err`. */
export interface Logger extends Readonly<Record<LogLevel, Write>> {
  /** For lines whose fields cost something to collect. */
  isLevelEnabled(level: LogLevel): boolean
}

export interface Log extends AsyncDisposable {
  /** The logger of one part of the server, such as `federation`. */
  logger(subsystem: string): Logger
}

export interface LogOptions {
  readonly level: LogLevel
  readonly format: 'auto' | 'json' | 'text'
  /** Absolute path; the standard output without it. */
  readonly file?: string
}

/** One write for a hundred lines or more; a line waits for a second at most. */
const BUFFERED = { sync: false, minLength: 48 * 1024, maxWrite: 64 * 1024 } as const
const BUFFERED_MS = 1_000

/** Opens the log. Disposing of it writes out what is buffered. Throws where the file cannot be opened. */
export function createLogger(options: LogOptions): Log {
  const destination = pino.destination({ ...BUFFERED, dest: options.file === undefined ? 1 : openFile(options.file) })
  const lines = new LineBuffer(destination)
  const asText = options.format === 'text' || (options.format === 'auto' && options.file === undefined && isatty(1))
  const root = loggerTo(options.level, asText ? { write: (line) => lines.write(textLine(line)) } : lines)
  return {
    logger: (subsystem) => root.child({ subsystem }),
    async [Symbol.asyncDispose]() {
      lines.handOver()
      destination.flushSync()
    },
  }
}

/** Collects lines for a destination, whose own buffer measures all that it holds with every line that it takes. */
class LineBuffer {
  readonly #destination: { write(text: string): unknown; flush(): void }
  #text = ''
  #timer: NodeJS.Timeout | undefined

  constructor(destination: { write(text: string): unknown; flush(): void }) {
    this.#destination = destination
  }

  write(line: string): void {
    this.#text += line
    if (this.#text.length >= BUFFERED.minLength) this.handOver()
    else this.#timer ??= setTimeout(() => this.#flush(), BUFFERED_MS).unref()
  }

  /** Nothing is held here any more. */
  handOver(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#destination.write(this.#text)
    this.#text = ''
  }

  #flush(): void {
    this.handOver()
    this.#destination.flush()
  }
}

/** Writes JSON lines to any stream. */
export function loggerTo(level: LogLevel, stream: { write(line: string): unknown }): pino.Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: timeField,
      formatters: { level: (label) => ({ level: label }) },

      hooks: { streamWrite: (line) => withoutSecrets(line) },
    },
    { write: (line) => void stream.write(line) },
  )
}

let second = 0
let secondText = ''

/** The time as pino wants it, in ISO 8601. The text of a second serves all lines of that second. */
function timeField(): string {
  const now = Date.now()
  if (Math.floor(now / 1000) !== second) {
    second = Math.floor(now / 1000)
    secondText = new Date(now).toISOString().slice(0, -'000Z'.length)
  }
  return `,"time":"${secondText}${String(now % 1000).padStart(3, '0')}Z"`
}

const ignore: Write = () => undefined
/** Logs nothing, for tests. */
export const silentLogger: Logger = {
  fatal: ignore,
  error: ignore,
  warn: ignore,
  info: ignore,
  debug: ignore,
  trace: ignore,
  isLevelEnabled: () => false,
}

const NAMES =
  'access_?token|refresh_?token|login_?token|hs_token|as_token|token|password|new_?password|secret|shared_?secret|client_secret|authorization|cookie|pushkey'
/** A field of the line, at any depth: `"access_token":"…"`. */
const SECRET_FIELD = new RegExp(`("(?:${NAMES})":")(?:[^"\\\\]|\\\\.)+`, 'gi')
/** Inside a text: `access_token=…`, `Bearer …`, and JSON that was quoted into it. */
const SECRET_IN_TEXT = new RegExp(`((?:${NAMES})(?:=|\\\\"\\s*:\\s*\\\\")|Bearer )[^\\s&"\\\\]+`, 'gi')

/** One pass over the finished line: pino's own redaction of nested fields costs 60 µs a line, this about 1 µs. */
function withoutSecrets(line: string): string {
  return line.replace(SECRET_FIELD, '$1[secret]').replace(SECRET_IN_TEXT, '$1[secret]')
}

function openFile(file: string): number {
  mkdirSync(dirname(file), { recursive: true })
  return openSync(file, 'a')
}
