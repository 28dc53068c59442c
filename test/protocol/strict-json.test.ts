import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { isJsonObject, objectAt } from '../../schemas/json.ts'
import { MAX_JSON_DEPTH, parseJson } from '../../src/core/json-text.ts'
import { hasNonCanonicalNumbers, integerOf, numberOf, parseLossless, parseStrict } from '../../src/protocol/strict-json.ts'

const notCanonical =
  '1.5 1.0 0.0 -0 -0.0 1e3 1E3 1e-3 1.0e0 -1.5 9007199254740992 9007199254740993 -9007199254740992 12345678901234567890 1e999'
    .split(' ')
    .concat('9'.repeat(400))
const canonical = ['0', '1', '-1', '10', '1732735824653', '9007199254740991', '-9007199254740991', '9007199254740990']
/** All places of JSON text in which a number can stand. */
const places = [
  (number: string) => number,
  (number: string) => ` \n${number} `,
  (number: string) => `[${number}]`,
  (number: string) => `[ \t\r\n${number}\n]`,
  (number: string) => `[1,${number}]`,
  (number: string) => `[1 ,\n  ${number} , 2]`,
  (number: string) => `{"a":${number}}`,
  (number: string) => `{"a" : \t${number} }`,
  (number: string) => `{"a":{"b":[[],{"c":${number}}]}}`,
]

suite('numbers that are not canonical', () => {
  for (const number of notCanonical) {
    test(`${number.slice(0, 30)} is found in every place`, () => {
      for (const place of places) {
        assert.ok(hasNonCanonicalNumbers(place(number)), place(number))
        assert.throws(() => parseStrict(place(number)), { errcode: 'M_BAD_JSON' })
      }
    })
    test(`${number.slice(0, 30)} keeps its text`, () => {
      for (const place of places) {
        assert.equal(JSON.stringify(parseLossless(place(number))), place(number).replaceAll(/[ \t\r\n]/g, ''))
      }
    })
  }
  for (const number of canonical) {
    test(`${number} is allowed in every place`, () => {
      for (const place of places) {
        assert.ok(!hasNonCanonicalNumbers(place(number)))
        assert.deepEqual(parseStrict(place(number)), JSON.parse(place(number)))
        assert.deepEqual(parseLossless(place(number)), JSON.parse(place(number)))
      }
    })
  }
  test('text that looks like one does no harm', () => {
    const text = JSON.stringify({ body: 'a, 1.5 [1e3]: -0,9007199254740993 "x":1.0', ':1.5': ',-0' })
    assert.ok(!hasNonCanonicalNumbers(text))
    assert.deepEqual(parseStrict(text), JSON.parse(text))
    assert.deepEqual(parseLossless(text), JSON.parse(text))
  })
  test('one that is overwritten by a repeated key is gone', () => {
    assert.equal(JSON.stringify(parseStrict('{"a":1.0,"a":2}')), '{"a":2}')
    assert.equal(JSON.stringify(parseLossless('{"a":[1.0],"a":1.50}')), '{"a":1.50}')
  })
  test('parseLossless gives back any JSON text of any number', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 25 })
    const fraction = fc.oneof(
      fc.constant(''),
      digits.map((text) => `.${text}`),
    )
    const exponent = fc.oneof(
      fc.constant(''),
      fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), digits).map((parts) => parts.join('')),
    )
    const integer = fc.tuple(
      fc.constantFrom('', '-'),
      digits.map((text) => text.replace(/^0+(?=.)/, '')),
    )
    fc.assert(
      fc.property(integer, fraction, exponent, ([sign, whole], rest, power) => {
        const text = `{"n":[${sign}${whole}${rest}${power}]}`
        assert.equal(JSON.stringify(parseLossless(text)), text)
      }),
    )
  })
})

suite('raw numbers', () => {
  test('are no JSON objects', () => {
    const value = parseLossless('{"content":1.0}')
    assert.ok(isJsonObject(value))
    assert.equal(objectAt(value, 'content'), undefined)
  })
  test('are read by numberOf and integerOf', () => {
    const values = parseLossless('[1.50,1e3,12345678901234567890,-0,7,"7"]')
    assert.ok(Array.isArray(values))
    assert.deepEqual(values.map(numberOf), [1.5, 1000, Number('12345678901234567890'), -0, 7, undefined])
    assert.deepEqual(values.map(integerOf), [undefined, undefined, Number('12345678901234567890'), -0, 7, undefined])
    assert.equal(numberOf(undefined), undefined)
    assert.equal(integerOf(1.5), undefined)
  })
})

suite('other text that is refused', () => {
  test('what is no JSON', () => {
    for (const text of ['', '{', 'NaN', '[Infinity]', '01', '{"a":.5}', "{'a':1}", '[1,]', '\uFEFF{}']) {
      assert.throws(() => parseJson(text), { errcode: 'M_NOT_JSON' }, text)
    }
  })
  test('half a surrogate pair, where it must be strict', () => {
    for (const text of [String.raw`{"a":"\ud800"}`, String.raw`{"a":"\uDFFFx"}`, String.raw`{"\ud800":1}`]) {
      assert.throws(() => parseStrict(text), { errcode: 'M_BAD_JSON' })
    }
    assert.deepEqual(parseStrict(String.raw`{"a":"\ud83d\ude00 \\ud800"}`), { a: '😀 \\ud800' })
  })
  test('nesting beyond the bound, without overflow, in objects and arrays', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const nested = (depth: number) => `${open.repeat(depth)}1.0${close.repeat(depth)}`
      parseLossless(nested(MAX_JSON_DEPTH))
      for (const depth of [MAX_JSON_DEPTH + 1, 100_000]) {
        assert.throws(() => parseJson(nested(depth)), { errcode: 'M_BAD_JSON' })
        assert.throws(() => parseLossless(nested(depth)), { errcode: 'M_BAD_JSON' })
        assert.throws(() => parseStrict(nested(depth)), { errcode: 'M_BAD_JSON' })
      }
    }
  })
})

test('__proto__ is a key like any other', () => {
  const value = parseLossless('{"__proto__":{"admin":1.0}}')
  assert.ok(isJsonObject(value))
  assert.deepEqual(Object.keys(value), ['__proto__'])
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
})

test('a search for suspects takes time in proportion to the text', () => {
  const hostile = `[${' '.repeat(200_000)}1${',1'.repeat(50_000)}${`,"${':'.repeat(100_000)}"`}]`
  assert.ok(!hasNonCanonicalNumbers(hostile))
})
