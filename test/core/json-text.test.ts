import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { Json } from '../../schemas/json.ts'
import { MAX_JSON_DEPTH, parseJson, readJson } from '../../src/core/json-text.ts'

/** What `JSON.parse` would give if it made no mistake, as text. */
const text = (value: unknown): string => JSON.stringify(value)

suite('keys that are written with an escape', () => {
  /** A text that puts a key into the engine's memory, and one whose key is then mistaken for it. */
  const traps: [primer: string, victim: string, keys: string[]][] = [
    [String.raw`{"a":1,"\\":1}`, String.raw`{"a":1,"\n":1}`, ['a', '\n']],
    [String.raw`{"b":1,"\\":1}`, String.raw`{"b":1,"\u2028":1}`, ['b', '\u2028']],
    [String.raw`{"c":1,"\\":1}`, String.raw`{"c":1,"\"":1}`, ['c', '"']],
    [String.raw`{"d":1,"\\u0":1}`, String.raw`{"d":1,"\u0061bc":1}`, ['d', 'abc']],
    [String.raw`{"e":1,"ab\\":1}`, String.raw`{"e":1,"ab\n":1}`, ['e', 'ab\n']],
    [String.raw`{"f":1,"\\":1}`, String.raw`{"f" :1 , "\n" : 1}`, ['f', '\n']],
    [String.raw`{"g":1,"\\":1}`, String.raw`{"x":"say \"hi\"\\","y":{"g":1,"\n":1}}`, ['x', 'y']],
  ]
  for (const [primer, victim, keys] of traps) {
    test(`${victim} after ${primer}`, () => {
      const primed = JSON.parse(primer)
      assert.deepEqual(Object.keys(Object(parseJson(victim))), keys)
      assert.ok(primed)
    })
  }
  test('of an inner object are read right as well', () => {
    const primed = JSON.parse(String.raw`{"h":1,"\\":1}`)
    assert.deepEqual(parseJson(String.raw`[{"x":[{"h":1,"\n":1}]}]`), [{ x: [{ h: 1, '\n': 1 }] }])
    assert.ok(primed)
  })
})

test('any JSON is read as it was written', () => {
  const key = fc.string({
    unit: fc.oneof(fc.constantFrom('\\', '"', '\n', 'u', '0', ':', '{', ',', '\u2028'), fc.string({ unit: 'binary' })),
  })
  const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      fc.double({ noDefaultInfinity: true, noNaN: true }),
      key,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  })).value
  fc.assert(
    fc.property(json, fc.constantFrom(0, 1), (value, indent) => {
      const source = JSON.stringify(value, undefined, indent)
      assert.equal(text(parseJson(source)), text(value))
      assert.equal(text(readJson(source, Number)), text(value))
    }),
    { numRuns: 1000 },
  )
})

test('readJson reads the forms of JSON', () => {
  const source = ' { "a" : [ ] , "b":{ },\n"c":[1 , -2.5e+3,"\\u0041\\"" ,null,true,false, {"__proto__":{"x":1}}]\t} '
  assert.equal(text(readJson(source, Number)), '{"a":[],"b":{},"c":[1,-2500,"A\\"",null,true,false,{"__proto__":{"x":1}}]}')
  assert.deepEqual(
    readJson('[1.0,[2]]', (number) => `<${number}>`),
    ['<1.0>', ['<2>']],
  )
  assert.equal(readJson('7', Number), 7)
})

test('the last of repeated keys wins, however it is written', () => {
  assert.deepEqual(parseJson('{"a":1,"a":2}'), { a: 2 })
  assert.deepEqual(parseJson(String.raw`{"a":1,"\u0061":2}`), { a: 2 })
  assert.deepEqual(parseJson(String.raw`{"\u0061":1,"a":2}`), { a: 2 })
})

test('an escaped __proto__ is a key like any other', () => {
  const value = parseJson(String.raw`{"\u005f_proto__":{"admin":1},"constructor\n":1}`)
  assert.deepEqual(Object.keys(Object(value)), ['__proto__', 'constructor\n'])
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
})

test('what is no JSON is refused, with or without escaped keys', () => {
  for (const source of ['', '{', '[1,]', '{"a\\n":1', String.raw`{"\q":1}`, 'NaN', '{"\n":1}']) {
    assert.throws(() => parseJson(source), { errcode: 'M_NOT_JSON' }, source)
  }
})

test('the depth is bounded, with or without escaped keys', () => {
  for (const inner of ['1', String.raw`{"\n":1}`]) {
    const nested = (depth: number) => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`
    parseJson(nested(MAX_JSON_DEPTH - 1))
    for (const depth of [MAX_JSON_DEPTH + 1, 100_000]) assert.throws(() => parseJson(nested(depth)), { errcode: 'M_BAD_JSON' })
  }
})

test('text full of escapes takes time in proportion to its length', () => {
  const source = JSON.stringify({ a: '\\'.repeat(500_000), b: '"'.repeat(500_000), c: Array(50_000).fill('\n'), 'd\n': 1 })
  assert.equal(text(parseJson(source)), source)
})
