import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { suite, test } from 'node:test'
import npmCanonicalJson from 'canonical-json'
import * as fc from 'fast-check'
import type { Json } from '../../schemas/json.ts'
import { MatrixError } from '../../src/core/errors.ts'
import { MAX_JSON_DEPTH } from '../../src/core/json-text.ts'
import { canonicalJson, lenientCanonicalJson, tryCanonicalJson } from '../../src/protocol/canonical-json.ts'
import { parseLossless, parseStrict } from '../../src/protocol/strict-json.ts'

const anotherJson: { stringify(value: unknown): unknown } = createRequire(import.meta.url)('another-json')

suite('worked examples of the specification (appendices, Canonical JSON)', () => {
  const nested = `{ "auth": { "success": true, "mxid": "@john.doe:example.com", "profile": { "display_name": "John Doe", "three_pids": [
    { "medium": "email", "address": "john.doe@example.org" }, { "medium": "msisdn", "address": "123456789" } ] } } }`
  const examples: [name: string, input: string, output: string][] = [
    ['an empty object', '{}', '{}'],
    ['a number and a string', '{ "one": 1, "two": "Two" }', '{"one":1,"two":"Two"}'],
    ['keys out of order', '{ "b": "2", "a": "1" }', '{"a":"1","b":"2"}'],
    ['keys out of order without white space', '{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
    [
      'nested objects',
      nested,
      '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
    ],
    ['Japanese text', '{ "a": "日本語" }', '{"a":"日本語"}'],
    ['Japanese keys', '{ "本": 2, "日": 1 }', '{"日":1,"本":2}'],
    ['an escape that is not needed', '{ "a": "\\u65E5" }', '{"a":"日"}'],
    ['null', '{ "a": null }', '{"a":null}'],
    ['-0 and 1e10 of a JavaScript value', '{ "a": -0, "b": 1e10 }', '{"a":0,"b":10000000000}'],
  ]
  for (const [name, input, output] of examples) test(name, () => assert.equal(canonicalJson(JSON.parse(input)), output))
})

suite('order of keys', () => {
  test('is by code point, not by UTF-16 unit', () => {
    assert.equal(canonicalJson({ '\u{1F600}': 1, '\uFF5E': 2, a: 3 }), '{"a":3,"\uFF5E":2,"\u{1F600}":1}')
  })
  test('keys that look like integers are ordered as text', () => {
    assert.equal(canonicalJson({ a: 1, 9: 2, 10: 3, '!': 4 }), '{"!":4,"10":3,"9":2,"a":1}')
  })
  test('a key that begins another comes first', () => {
    assert.equal(canonicalJson({ 'a\u{1F600}': 1, ab: 2, a: 3 }), '{"a":3,"ab":2,"a\u{1F600}":1}')
  })
  test('agrees with the order of UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 8 }), (keys) => {
        const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        const object = Object.fromEntries(keys.map((key) => [key, 0]))
        assert.equal(canonicalJson(object), `{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`)
      }),
    )
  })
})

suite('strings', () => {
  test('are escaped no more than needed', () => {
    const all = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code)).join('')
    assert.equal(
      canonicalJson(all),
      String.raw`"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_` +
        '`abcdefghijklmnopqrstuvwxyz{|}~\x7f"',
    )
  })
  test('keys are escaped like values', () => assert.equal(canonicalJson({ 'a"\n': 1, '\\': 2 }), String.raw`{"\\":2,"a\"\n":1}`))
  test('zero width joiners and line separators stay', () => assert.equal(canonicalJson('👩\u200D👧\u2028'), '"👩\u200D👧\u2028"'))
  test('text that looks like an escaped surrogate is text', () => {
    assert.equal(canonicalJson({ a: '\\ud800', '\\udc00': '\\\\' }), String.raw`{"\\udc00":"\\\\","a":"\\ud800"}`)
  })
})

const nested = (depth: number): Json => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)

suite('what is refused, and where', () => {
  const refusals: [name: string, value: Json, place: string][] = [
    ['a fraction', { content: { w: [1, 1.5] } }, 'content.w.1: 1.5'],
    ['2^53', { a: 9007199254740992 }, 'a: 9007199254740992'],
    ['-2^53', { a: -9007199254740992 }, 'a: -9007199254740992'],
    ['1e21', 1e21, 'the value: 1e\\+21'],
    ['NaN', { a: NaN }, 'a: NaN'],
    ['Infinity', { a: Infinity }, 'a: Infinity'],
    ['half a surrogate pair in a value', { a: { b: 'x\ud800' } }, 'a.b: half a surrogate'],
    ['half a surrogate pair after a backslash', { a: '\\\udfff' }, 'a: half a surrogate'],
    ['half a surrogate pair in a key', { a: { '\udc00': 1 } }, 'a.\udc00: half a surrogate'],
    ['a raw number', { a: JSON.rawJSON('1.0') } as unknown as Json, 'a: 1.0'],
    ['undefined in an object', { a: undefined } as unknown as Json, 'a: undefined'],
    ['undefined in an array', [1, undefined] as unknown as Json, '1: undefined'],
    ['a big integer of JavaScript', { a: 1n } as unknown as Json, 'a: bigint'],
  ]
  for (const [name, value, place] of refusals) {
    test(name, () => {
      assert.throws(() => canonicalJson(value), { errcode: 'M_BAD_JSON', status: 400, message: new RegExp(`^${place}`) })
      const verdict = tryCanonicalJson(value)
      assert.ok('refused' in verdict)
    })
  }
  test('the largest integers are allowed', () => {
    assert.equal(canonicalJson([9007199254740991, -9007199254740991]), '[9007199254740991,-9007199254740991]')
  })
  test('nesting to the bound is allowed, beyond it refused, however deep', () => {
    assert.equal(canonicalJson(nested(MAX_JSON_DEPTH)).length, 2 * MAX_JSON_DEPTH)
    for (const depth of [MAX_JSON_DEPTH + 1, 100_000]) assert.throws(() => canonicalJson(nested(depth)), MatrixError)
  })
  test('a cycle', () => {
    const cycle: Json[] = []
    cycle.push(cycle)
    assert.throws(() => canonicalJson(cycle), MatrixError)
  })
})

suite('prototypes', () => {
  test('__proto__ is a key like any other', () => {
    const value = JSON.parse('{"b":1,"__proto__":{"c":1,"__proto__":2}}')
    assert.equal(canonicalJson(value), '{"__proto__":{"__proto__":2,"c":1},"b":1}')
  })
  test('objects need no prototype', () => {
    assert.equal(canonicalJson(Object.assign(Object.create(null), { b: 1, constructor: 2 })), '{"b":1,"constructor":2}')
  })
})

suite('lenient form, for room versions 1 to 5', () => {
  test('numbers stay as they came, but for -0', () => {
    const numbers = '[1.5,1.0,1e3,1E+2,12345678901234567890,-0.0,9007199254740993,1e999,0.1]'
    assert.equal(lenientCanonicalJson(parseLossless(numbers)), numbers)
    assert.equal(lenientCanonicalJson(parseLossless('{"a":-0}')), '{"a":0}')
  })
  test('what is no number, or no text, is refused all the same', () => {
    assert.throws(() => lenientCanonicalJson({ a: NaN }), /^MatrixError: a: NaN/)
    assert.throws(() => lenientCanonicalJson(['\ud800']), MatrixError)
  })
})

const jsonText = fc.string({ unit: 'binary' })
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    jsonText,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(jsonText, tie('value'), { maxKeys: 5 }),
  ),
})).value

test('what is written reads back as the same value, and writes the same again', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value)
      // -0 is an integer to fast-check; it is written as 0.
      assert.deepEqual(parseStrict(text), parseStrict(JSON.stringify(value)))
      assert.equal(canonicalJson(parseStrict(text)), text)
      assert.equal(lenientCanonicalJson(value), text)
    }),
  )
})

suite('where the packages of npm depart from the rules', () => {
  const plainText = fc.string({ unit: 'grapheme-ascii' })
  const plainKey = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz_.') })
  const plain: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.integer(), plainText, fc.array(tie('value')), fc.dictionary(plainKey, tie('value'))),
  })).value

  test('on plain values all agree', () => {
    fc.assert(
      fc.property(plain, (value) => {
        assert.equal(npmCanonicalJson(value), canonicalJson(value))
        assert.equal(anotherJson.stringify([value]), canonicalJson([value]))
      }),
    )
  })
  test('canonical-json drops __proto__, so that it is not signed', () => {
    const value = JSON.parse('{"__proto__":{"admin":1},"b":1}')
    assert.equal(npmCanonicalJson(value), '{"b":1}')
    assert.equal(canonicalJson(value), '{"__proto__":{"admin":1},"b":1}')
  })
  test('canonical-json puts keys that look like integers first, in the order of numbers', () => {
    assert.equal(npmCanonicalJson({ a: 1, 9: 2, 10: 3 }), '{"9":2,"10":3,"a":1}')
    assert.equal(canonicalJson({ a: 1, 9: 2, 10: 3 }), '{"10":3,"9":2,"a":1}')
  })
  test('both order by UTF-16 unit', () => {
    const value = { '\u{1F600}': 1, '\uFF5E': 2 }
    assert.equal(npmCanonicalJson(value), '{"\u{1F600}":1,"\uFF5E":2}')
    assert.equal(anotherJson.stringify(value), '{"\u{1F600}":1,"\uFF5E":2}')
  })
  test('both accept fractions and integers that are not exact', () => {
    for (const value of [1.5, 2 ** 53]) {
      assert.equal(npmCanonicalJson([value]), `[${value}]`)
      assert.equal(anotherJson.stringify([value]), `[${value}]`)
    }
  })
  test('both let half a surrogate pair through', () => {
    assert.equal(npmCanonicalJson('\ud800'), String.raw`"\ud800"`)
    assert.equal(anotherJson.stringify('\ud800'), '"\ud800"')
  })
  test('another-json gives back a bare number, not its text', () => assert.equal(anotherJson.stringify(1), 1))
  test('another-json writes control characters as no JSON reader can read them', () => {
    assert.equal(anotherJson.stringify('\u0001'), String.raw`"\U0001"`)
    assert.equal(canonicalJson('\u0001'), String.raw`"\u0001"`)
  })
  test('canonical-json makes null of NaN and drops undefined', () => {
    assert.equal(npmCanonicalJson([NaN, undefined]), '[null,null]')
    assert.equal(npmCanonicalJson({ a: undefined }), '{}')
  })
  test('canonical-json overflows the stack on nesting that we refuse', () => {
    const deep = nested(50_000)
    assert.throws(() => npmCanonicalJson(deep), RangeError)
    assert.throws(() => canonicalJson(deep), MatrixError)
  })
})
