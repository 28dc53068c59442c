/** A log line for people at a terminal. */
import { isJsonObject, type Json, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'

const COLOURS: Record<string, string> = { fatal: '\x1b[41m', error: '\x1b[31m', warn: '\x1b[33m', info: '\x1b[32m' }
const DIM = '\x1b[2m'
const PLAIN = '\x1b[0m'

/** Turns one JSON line of the log into `12:30:01 info  http  message  field=value`. */
export function textLine(line: string): string {
  const entry: Json = JSON.parse(line)
  if (!isJsonObject(entry)) return line
  const level = stringAt(entry, 'level') ?? ''
  const time = stringAt(entry, 'time')?.slice('2026-01-01T'.length, -'.000Z'.length) ?? ''
  const head = `${DIM}${time}${PLAIN} ${COLOURS[level] ?? DIM}${level.padEnd(5)}${PLAIN} ${DIM}${(stringAt(entry, 'subsystem') ?? '').padEnd(10)}${PLAIN}`
  return `${head} ${stringAt(entry, 'msg') ?? ''}${fieldsOf(entry)}\n`
}

function fieldsOf(entry: JsonObject): string {
  const shown = Object.entries(entry).filter(([name]) => !['level', 'time', 'subsystem', 'msg', 'err'].includes(name))
  const fields = shown.map(
    ([name, value]) => ` ${DIM}${name}=${PLAIN}${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const stack = objectAt(entry, 'err')?.['stack']
  return `${fields.join('')}${typeof stack === 'string' ? `\n${stack}` : ''}`
}
