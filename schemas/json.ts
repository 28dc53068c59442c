/**
 * A JSON value as `JSON.parse` gives it. In what `parseLossless` (src/protocol/strict-json.ts) has read, a number that
 * JavaScript would write otherwise than its source did (`1.0`, `1e3`, `-0`, 20 digits) is a raw number: opaque, written
 * by `JSON.stringify` as it came, and read by `numberOf`.
 */
export type Json = null | boolean | number | string | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** What `JSON.rawJSON` makes: a piece of JSON that is kept as text. */
export interface RawJson extends JsonObject {
  readonly rawJSON: string
}

// In the language since ES2026 and in Node since 21; TypeScript's library does not declare it yet.
declare global {
  interface JSON {
    rawJSON(text: string): RawJson
    isRawJSON(value: unknown): value is RawJson
  }
}

/** True for a JSON object: neither null, nor an array, nor a raw number. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value)
}

/** The object under `key`, or undefined where there is none. */
export function objectAt(object: JsonObject, key: string): JsonObject | undefined {
  const value = Object.hasOwn(object, key) ? object[key] : undefined
  return isJsonObject(value) ? value : undefined
}

/** The string under `key`, or undefined where there is none. */
export function stringAt(object: JsonObject, key: string): string | undefined {
  const value = Object.hasOwn(object, key) ? object[key] : undefined
  return typeof value === 'string' ? value : undefined
}
