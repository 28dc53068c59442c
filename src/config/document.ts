/** What was written in the YAML file, and on which line. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'

/** Steps from the top to a key; numbers are places in a list. */
export type Path = readonly (string | number)[]
export type Values = { [key: string]: unknown }

/** One thing that is wrong: where it was written, and what. */
export interface Problem {
  readonly where: string
  readonly message: string
}

export interface Written {
  readonly values: Values
  /** Says where the value at `path` was written, e.g. `causeway.yaml, line 3`; undefined where it was not. */
  where(path: Path): string | undefined
}

export const isGroup = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `listeners[0].port`, as people write it. */
export function keyText(path: Path): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  )
}

/** Reads a configuration file, named from `cwd`. An unreadable file and broken YAML are problems like any other. */
export function readDocument(cwd: string, file: string, problems: Problem[]): Written {
  const lines = new LineCounter()
  const document = parseDocument(readText(cwd, file, problems), { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number) => `${file}, line ${lines.linePos(offset).line}`
  for (const error of document.errors) problems.push({ where: lineAt(error.pos[0]), message: error.message })
  const values: unknown = document.errors.length > 0 ? {} : (document.toJS() ?? {})
  if (!isGroup(values)) problems.push({ where: file, message: 'expected a group of keys such as "server_name: example.org"' })
  return {
    values: isGroup(values) ? values : {},
    where(path) {
      const offset = offsetOf(document, path)
      return offset === undefined ? undefined : lineAt(offset)
    },
  }
}

function readText(cwd: string, file: string, problems: Problem[]): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8')
  } catch (cause) {
    problems.push({ where: file, message: `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}` })
    return ''
  }
}

/** Offset of the key (or list item) that the path leads to. */
function offsetOf(document: Document.Parsed, path: Path): number | undefined {
  let value: unknown = document.contents
  let at: Node | undefined
  for (const step of path) {
    if (isMap(value)) {
      const pair = value.items.find((item) => isScalar(item.key) && String(item.key.value) === step)
      at = isScalar(pair?.key) ? pair.key : undefined
      value = pair?.value
    } else {
      at = isSeq<Node>(value) && typeof step === 'number' ? value.items[step] : undefined
      value = at
    }
  }
  return at?.range?.[0]
}
