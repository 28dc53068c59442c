/**
 * The one encoding of a JSON value that is hashed and signed.
 * https://spec.matrix.org/v1.19/appendices/#canonical-json
 *
 * Why not a library: docs/adr has the list of what npm's canonical JSON packages get wrong for Matrix.
 */
import type { Json, JsonObject, RawJson } from '../../schemas/json.ts'
import { badJson } from '../core/errors.ts'
import { MAX_JSON_DEPTH } from '../core/json-text.ts'

/** The canonical text, or the place and reason why there is none. */
export type Canonical = { readonly text: string } | { readonly refused: string }

/** Keys that are not simply put in quotes, or not in the order of their UTF-16 units. */
// oxlint-disable-next-line no-control-regex
const UNUSUAL_KEY = /["\\\u0000-\u001f\ud800-\uffff]/
/** Without these UTF-16 order is the order of code points. */
const BEYOND_SURROGATES = /[\ud800-\uffff]/
/** `JSON.stringify` escapes a surrogate without its other half; an even number of backslashes before it is text. */
const LONE_SURROGATE = /(?:^|[^\\])(?:\\\\)*\\ud/

/**
 * Encodes by the rules of room versions 6 and later, and of everything that is no event.
 * -0, which a JavaScript calculation may give, is written as 0.
 * @throws {MatrixError} M_BAD_JSON naming the place: fractions, integers beyond 2^53 - 1, raw numbers, half surrogate
 * pairs, undefined, and nesting beyond MAX_JSON_DEPTH
 */
export function canonicalJson(value: Json): string {
  return textOf(encode(value, strictNumber))
}

/** As `canonicalJson`, with the reason for a refusal as a value. */
export function tryCanonicalJson(value: Json): Canonical {
  return encode(value, strictNumber)
}

/**
 * Encodes by the rules of room versions 1 to 5, whose numbers are not restricted: each is written as it came.
 * Signatures of requests need it too, since transactions carry events of all versions.
 * @throws {MatrixError} M_BAD_JSON for what no room version can encode
 */
export function lenientCanonicalJson(value: Json): string {
  return textOf(encode(value, lenientNumber))
}

/** As `lenientCanonicalJson`, with the reason for a refusal as a value. */
export function tryLenientCanonicalJson(value: Json): Canonical {
  return encode(value, lenientNumber)
}

function textOf(result: Canonical): string {
  if ('refused' in result) throw badJson(result.refused)
  return result.text
}

type WriteNumber = (value: number | RawJson) => string

/** Numbers in the JSON must be integers in the range [-(2**53)+1, (2**53)-1], without exponents or decimal places. */
function strictNumber(value: number | RawJson): string {
  if (typeof value !== 'number') throw new NotCanonical(value, `${value.rawJSON} is not a canonical number`)
  if (!Number.isSafeInteger(value)) throw new NotCanonical(value, `${value} is not an integer from -(2^53)+1 to 2^53-1`)
  return String(value)
}

function lenientNumber(value: number | RawJson): string {
  if (typeof value !== 'number') return value.rawJSON === '-0' ? '0' : value.rawJSON
  if (!Number.isFinite(value)) throw new NotCanonical(value, `${value} is not a number`)
  return String(value)
}

class NotCanonical extends Error {
  readonly culprit: unknown
  constructor(culprit: unknown, why: string) {
    super(why)
    this.culprit = culprit
  }
}

function encode(value: Json, writeNumber: WriteNumber): Canonical {
  try {
    const text = textInOrder(value) ?? write(value, writeNumber, 0)
    if (!text.includes('\\ud') || !LONE_SURROGATE.test(text)) return { text }
    return { refused: `${placeOf(value, isBrokenString)}: half a surrogate pair is not text` }
  } catch (cause) {
    if (!(cause instanceof NotCanonical)) throw cause
    return { refused: `${placeOf(value, (candidate) => Object.is(candidate, cause.culprit))}: ${cause.message}` }
  }
}

/**
 * The text of a value that `JSON.stringify` writes as it must be, at a third of the cost; undefined for others. Events of
 * other servers mostly are such values, being sent as canonical JSON, and so are the redacted forms of most events.
 */
function textInOrder(value: Json): string | undefined {
  if (!isInOrder(value, 0)) return undefined
  const text = JSON.stringify(value)
  return BEYOND_SURROGATES.test(text) ? undefined : text
}

function isInOrder(value: Json | undefined, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isSafeInteger(value)
    case 'object':
      if (value === null) return true
      if (depth === MAX_JSON_DEPTH || JSON.isRawJSON(value)) return false
      return Array.isArray(value) ? value.every((item) => isInOrder(item, depth + 1)) : hasKeysInOrder(value, depth + 1)
    default:
      return false
  }
}

function hasKeysInOrder(object: JsonObject, depth: number): boolean {
  let previous = ''
  for (const key of Object.keys(object)) {
    if (key < previous || !isInOrder(object[key], depth)) return false
    previous = key
  }
  return true
}

function write(value: Json | undefined, writeNumber: WriteNumber, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return writeNumber(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (JSON.isRawJSON(value)) return writeNumber(value)
      if (depth === MAX_JSON_DEPTH) throw new NotCanonical(value, `nested more than ${MAX_JSON_DEPTH} deep`)
      return Array.isArray(value) ? writeArray(value, writeNumber, depth + 1) : writeObject(value, writeNumber, depth + 1)
    default:
      throw new NotCanonical(value, `${typeof value} is no JSON value`)
  }
}

function writeArray(array: readonly Json[], writeNumber: WriteNumber, depth: number): string {
  if (array.length === 0) return '[]'
  let text = `[${write(array[0], writeNumber, depth)}`
  for (let i = 1; i < array.length; i++) text += `,${write(array[i], writeNumber, depth)}`
  return `${text}]`
}

function writeObject(object: JsonObject, writeNumber: WriteNumber, depth: number): string {
  const keys = Object.keys(object)
  if (keys.length === 0) return '{}'
  const plain = sortKeys(keys)
  let text = ''
  let separator = '{"'
  // Many short additions are faster here than one template.
  for (const key of keys) {
    text += separator
    text += plain ? key : JSON.stringify(key).slice(1, -1)
    text += '":'
    text += write(object[key], writeNumber, depth)
    separator = ',"'
  }
  return `${text}}`
}

/** Sorts by code point, in place. True where all keys can be put in quotes as they are. */
function sortKeys(keys: string[]): boolean {
  let sorted = true
  let plain = true
  let previous = ''
  for (const key of keys) {
    if (key < previous) sorted = false
    if (UNUSUAL_KEY.test(key)) plain = false
    previous = key
  }
  if (!plain) keys.sort(byCodePoint)
  else if (!sorted) keys.sort()
  return plain
}

/** JavaScript orders by UTF-16 unit, in which characters beyond U+FFFF come before U+E000 to U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

function isBrokenString(value: unknown): boolean {
  return typeof value === 'string' && !value.isWellFormed()
}

/** Where in `value` the first member is that `isCulprit`, such as `content.users`, for the reader of an error. */
function placeOf(value: unknown, isCulprit: (candidate: unknown) => boolean): string {
  const path = pathOf(value, isCulprit, 0) ?? []
  return path.length === 0 ? 'the value' : path.slice(0, 8).join('.').slice(0, 200)
}

function pathOf(value: unknown, isCulprit: (candidate: unknown) => boolean, depth: number): string[] | undefined {
  if (isCulprit(value)) return []
  if (typeof value !== 'object' || value === null || depth === MAX_JSON_DEPTH) return undefined
  for (const [key, child] of Object.entries(value)) {
    const path = isCulprit(key) ? [] : pathOf(child, isCulprit, depth + 1)
    if (path !== undefined) return [key, ...path]
  }
  return undefined
}
