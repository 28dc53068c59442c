/**
 * JSON text from outside. Use it instead of `JSON.parse` for whatever somebody else had a hand in, what we stored of it
 * included: V8 misreads keys that are written with an escape. After an object with the key `\` under some other key, as in
 * `{"a":1,"\\":1}`, it reads `{"a":1,"\n":1}` as `{"a":1,"\\":1}`: the escape is taken for that key. Anybody who can send
 * us JSON could so rename members in what others send. Node 24 and 26 do it, Node 22 does not:
 * https://github.com/nodejs/node/issues/63785
 */
import type { Json } from '../../schemas/json.ts'
import { badJson, notJson } from './errors.ts'

/**
 * Objects and arrays inside each other that are taken at most. The specification sets no limit. Synapse's is about 900,
 * and refusing less would refuse whole transactions that hold one such event; from 2,500 on our own stack overflows.
 */
export const MAX_JSON_DEPTH = 1000

const COLON = /[ \t\n\r]*:/y
const SPACE = /[ \t\n\r]*/y
const LITERAL = /[^ \t\n\r,\]}]+/y

/**
 * Parses JSON text. Where a key is repeated the last one wins, as with `JSON.parse`.
 * @throws {MatrixError} M_NOT_JSON, or M_BAD_JSON where it is nested too deep
 */
export function parseJson(text: string): Json {
  const value = parse(text)
  if (hasEscapedKey(text)) return readJson(text, Number)
  // A level of nesting takes two characters at least.
  if (text.length > 2 * MAX_JSON_DEPTH && isDeeperThan(value, MAX_JSON_DEPTH)) throw tooDeep()
  return value
}

function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw notJson()
  }
}

/**
 * Reads JSON text without V8's reader, a good deal slower, making of each number what `toNumber` makes of its source.
 * @param text known to be JSON
 * @throws {MatrixError} M_BAD_JSON where it is nested too deep
 */
export function readJson(text: string, toNumber: (source: string) => Json): Json {
  return new Reader(text, toNumber).value(0)
}

class Reader {
  readonly #text: string
  readonly #toNumber: (source: string) => Json
  #position = 0

  constructor(text: string, toNumber: (source: string) => Json) {
    this.#text = text
    this.#toNumber = toNumber
  }

  value(depth: number): Json {
    if (depth > MAX_JSON_DEPTH) throw tooDeep()
    this.#take(SPACE)
    switch (this.#text[this.#position]) {
      case '{':
        return Object.fromEntries(this.#items('}', () => this.#member(depth + 1)))
      case '[':
        return this.#items(']', () => this.value(depth + 1))
      case '"':
        return this.#string()
      default:
        return this.#literal()
    }
  }

  /** What stands between the bracket here and `end`, separated by commas. */
  #items<T>(end: string, item: () => T): T[] {
    const items: T[] = []
    do {
      this.#position++
      this.#take(SPACE)
      if (this.#text[this.#position] === end) break
      items.push(item())
      this.#take(SPACE)
    } while (this.#text[this.#position] !== end)
    this.#position++
    return items
  }

  #member(depth: number): [string, Json] {
    const key = this.#string()
    this.#take(COLON)
    return [key, this.value(depth)]
  }

  #string(): string {
    const start = this.#position
    this.#position = closingQuote(this.#text, start + 1) + 1
    return JSON.parse(this.#text.slice(start, this.#position))
  }

  #literal(): Json {
    const source = this.#take(LITERAL)
    return source === 'null' || source === 'true' || source === 'false' ? JSON.parse(source) : this.#toNumber(source)
  }

  #take(token: RegExp): string {
    token.lastIndex = this.#position
    const found = token.exec(this.#text)?.[0] ?? ''
    this.#position += found.length
    return found
  }
}

/** Whether a key of the JSON text is written with an escape. */
function hasEscapedKey(text: string): boolean {
  let escape = text.indexOf('\\')
  while (escape !== -1) {
    const end = closingQuote(text, escape)
    COLON.lastIndex = end + 1
    if (COLON.test(text)) return true
    escape = text.indexOf('\\', end)
  }
  return false
}

/** Where the string ends in which `from` is: the index of the first quote that no backslash escapes. */
function closingQuote(text: string, from: number): number {
  let quote = text.indexOf('"', from)
  while (isEscaped(text, quote, from)) quote = text.indexOf('"', quote + 1)
  return quote
}

function isEscaped(text: string, index: number, from: number): boolean {
  let start = index
  while (start > from && text[start - 1] === '\\') start--
  return (index - start) % 2 === 1
}

function isDeeperThan(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((child) => isDeeperThan(child, levels - 1))
}

function tooDeep() {
  return badJson(`The JSON is nested more than ${MAX_JSON_DEPTH} deep`)
}
