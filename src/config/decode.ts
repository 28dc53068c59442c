/** What was written, checked against the schema and turned into settings. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type TObject, type TSchema, Type } from 'typebox'
import { Check } from 'typebox/value'
import { closest } from '../core/closest.ts'
import { isGroup, keyText, type Path, type Problem, type Values, type Written } from './document.ts'
import { infoOf } from './keys.ts'
import { camelCase, keysOf } from './schema.ts'

/** One effective setting, for `check-config`. */
export interface Setting {
  readonly key: string
  /** As it may be shown: secrets are not in it. */
  readonly shown: string
  /** Where it was written, or `default`. */
  readonly from: string
}

export interface Decoding {
  readonly written: Written
  /** Relative paths start here. */
  readonly cwd: string
  /** The name to report for what was written nowhere. */
  readonly source: string
  readonly problems: Problem[]
  readonly settings: Setting[]
}

/** The value as settings have it; mistakes are added to `problems` and leave undefined in its place. */
export function decode(decoding: Decoding, schema: TSchema, value: unknown, path: Path): unknown {
  if (Type.IsObject(schema))
    return isGroup(value) ? decodeGroup(decoding, schema, value, path) : wrongValue(decoding, schema, value, path)
  if (Type.IsRecord(schema))
    return isGroup(value) ? decodeMap(decoding, schema, value, path) : wrongValue(decoding, schema, value, path)
  if (Type.IsArray(schema))
    return Array.isArray(value) ? decodeList(decoding, schema.items, value, path) : wrongValue(decoding, schema, value, path)
  const result = convert(decoding, schema, value)
  if (!Check(schema, result)) return wrongValue(decoding, schema, value, path)
  remember(decoding, schema, value, path)
  return result
}

function decodeGroup(decoding: Decoding, schema: TObject, value: Values, path: Path): Values {
  const entries: [string, unknown][] = []
  for (const [name, child] of Object.entries(schema.properties)) {
    const at = [...path, name]
    const given = givenValue(decoding, child, value, at)
    if (given !== undefined) entries.push([camelCase(name), decode(decoding, child, given, at)])
    else if (!Type.IsOptional(child)) report(decoding, at, `${keyText(at)} is missing: expected ${infoOf(child).expected}`)
  }
  for (const name of Object.keys(value)) {
    if (!isKnown(schema, name)) report(decoding, [...path, name], unknownKey(schema, [...path, name]))
  }
  return Object.fromEntries(entries)
}

/** What is written, else what a secret's file holds, else the default; a group that is not optional is there even if empty. */
function givenValue(decoding: Decoding, schema: TSchema, siblings: Values, path: Path): unknown {
  const name = String(path.at(-1))
  const written = Object.hasOwn(siblings, name) ? siblings[name] : undefined
  if (written !== undefined && written !== null) return written
  const { default: fallback, secret } = infoOf(schema)
  const file = secret && Object.hasOwn(siblings, `${name}_file`) ? siblings[`${name}_file`] : undefined
  if (file !== undefined && file !== null) return secretFrom(decoding, file, [...path.slice(0, -1), `${name}_file`])
  return fallback ?? (Type.IsObject(schema) && !Type.IsOptional(schema) ? {} : undefined)
}

function secretFrom(decoding: Decoding, file: unknown, path: Path): string | undefined {
  const name = typeof file === 'string' ? resolve(decoding.cwd, file) : undefined
  if (name !== undefined && existsSync(name)) return readFileSync(name, 'utf8').trim()
  report(decoding, path, `${keyText(path)}: got ${show(file)}, expected the path of a file with the secret in it`)
  return undefined
}

function decodeMap(decoding: Decoding, schema: TSchema, value: Values, path: Path): Values {
  const item = Type.IsRecord(schema) ? Object.values(schema.patternProperties)[0] : undefined
  if (item === undefined) return {}
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, decode(decoding, item, child, [...path, name])]))
}

function decodeList(decoding: Decoding, item: TSchema, value: readonly unknown[], path: Path): unknown[] {
  const plain = !Type.IsObject(item)
  if (plain) remember(decoding, item, value, path)
  // One line says all of a plain list, so its items are not remembered one by one.
  const each = plain ? { ...decoding, settings: [] } : decoding
  return value.map((child, index) => decode(each, item, child, [...path, index]))
}

const SIZE = /^(\d+(?:\.\d+)?)\s*([KMGT])?i?B?$/i
const POWERS = ['', 'K', 'M', 'G', 'T']

function convert(decoding: Decoding, schema: TSchema, value: unknown): unknown {
  const { unit } = infoOf(schema)
  if (unit === 'path' && typeof value === 'string' && value !== ':memory:') return resolve(decoding.cwd, value)
  const size = unit === 'bytes' && typeof value === 'string' ? SIZE.exec(value) : null
  if (size !== null) return Math.floor(Number(size[1]) * 1024 ** POWERS.indexOf((size[2] ?? '').toUpperCase()))
  // YAML reads `default_version: 10` as a number.
  if (Type.IsEnum(schema) && typeof value === 'number') return String(value)
  return value
}

function remember(decoding: Decoding, schema: TSchema, value: unknown, path: Path): void {
  const shown = infoOf(schema).secret ? '(set)' : show(value)
  decoding.settings.push({ key: keyText(path), shown, from: decoding.written.where(path) ?? 'default' })
}

const isKnown = (schema: TObject, name: string): boolean => {
  if (Object.hasOwn(schema.properties, name)) return true
  const secret = name.endsWith('_file') ? schema.properties[name.slice(0, -'_file'.length)] : undefined
  return secret !== undefined && infoOf(secret).secret === true
}

/** Suggests a key beside it that is spelt alike, or one of the same name elsewhere. */
function unknownKey(schema: TObject, path: Path): string {
  const name = String(path.at(-1))
  const sibling = closest(name, Object.keys(schema.properties))
  const elsewhere = keysOf().find((key) => key.path.at(-1) === name)?.path
  const near = sibling === undefined ? elsewhere : [...path.slice(0, -1), sibling]
  const hint = near === undefined ? `known here: ${Object.keys(schema.properties).join(', ')}` : `did you mean ${keyText(near)}?`
  return `unknown key ${keyText(path)}; ${hint}`
}

function wrongValue(decoding: Decoding, schema: TSchema, value: unknown, path: Path): undefined {
  const { expected, secret } = infoOf(schema)
  report(decoding, path, `${keyText(path)}: got ${secret ? 'something else' : show(value)}, expected ${expected}`)
}

/** Adds a problem at the line of the key, or of the nearest group around it that was written. */
function report(decoding: Decoding, path: Path, message: string): void {
  const where = path
    .map((_, index) => decoding.written.where(path.slice(0, path.length - index)))
    .find((place) => place !== undefined)
  decoding.problems.push({ where: where ?? decoding.source, message })
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
