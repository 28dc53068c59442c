/**
 * JSON text as it comes from outside, read so that nothing that matters to a hash or signature is lost.
 *
 * `JSON.parse` silently reads `1.0` and `1e3` as integers and rounds large ones, so two servers would hash different
 * bytes. `parseLossless` keeps the source text of such numbers; whether they are allowed is then a question to each
 * event: `canonicalJson` refuses them (room versions 6 and later), `lenientCanonicalJson` writes them as they came.
 * A transaction with events of several versions is thus parsed once.
 *
 * Where a key is repeated the last one wins, as in every other JSON reader that we know of; what we hash, keep and
 * pass on is what was read, so the earlier ones cannot be smuggled past a signature.
 */
import type { Json } from '../../schemas/json.ts'
import { parseJson, readJson } from '../core/json-text.ts'
import { canonicalJson } from './canonical-json.ts'

/** Finds every member or item that is no canonical number, and now and then something in a string that looks like one. */
const SUSPECT_NUMBER = /[:,[][ \t\n\r]*(?:-0|-?(?:\d{16}|\d+[.eE]))/
const SUSPECT_ESCAPE = /\\u[dD][89a-fA-F]/
const INTEGER = /^-?\d+$/

/**
 * As `parseJson`, but a number that JavaScript would write otherwise than the text does becomes a raw number.
 * @throws {MatrixError} M_NOT_JSON, M_BAD_JSON
 */
export function parseLossless(text: string): Json {
  const value = parseJson(text)
  return isSuspect(text, value) ? readJson(text, exactNumber) : value
}

/**
 * Parses JSON that must be canonical but for its order and white space.
 * @throws {MatrixError} M_NOT_JSON, or M_BAD_JSON naming the number or string that is not allowed
 */
export function parseStrict(text: string): Json {
  const value = parseJson(text)
  if (isSuspect(text, value) || SUSPECT_ESCAPE.test(text)) canonicalJson(readJson(text, exactNumber))
  return value
}

/** Whether JSON text holds a number that is not canonical: `1.5`, `1.0`, `1e3`, `-0`, or an integer beyond 2^53 - 1. */
export function hasNonCanonicalNumbers(text: string): boolean {
  const value = parseJson(text)
  return isSuspect(text, value) && holdsOddNumber(readJson(text, exactNumber))
}

/** The number that a value is, raw numbers included; undefined for what is no number. */
export function numberOf(value: Json | undefined): number | undefined {
  if (JSON.isRawJSON(value)) return Number(value.rawJSON)
  return typeof value === 'number' ? value : undefined
}

/**
 * The integer that a value is; undefined for what is none, or was written with a fraction or exponent. Beyond 2^53 - 1,
 * which room versions 1 to 5 allow, it is as near as a double comes.
 */
export function integerOf(value: Json | undefined): number | undefined {
  if (JSON.isRawJSON(value)) return INTEGER.test(value.rawJSON) ? Number(value.rawJSON) : undefined
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined
}

function isSuspect(text: string, value: Json): boolean {
  return SUSPECT_NUMBER.test(text) || typeof value === 'number'
}

function holdsOddNumber(value: Json): boolean {
  if (typeof value === 'number') return !Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return false
  return JSON.isRawJSON(value) || Object.values(value).some(holdsOddNumber)
}

function exactNumber(source: string): Json {
  const number = Number(source)
  return String(number) === source ? number : JSON.rawJSON(source)
}
