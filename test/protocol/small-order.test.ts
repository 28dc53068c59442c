import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBase64 } from '../../src/protocol/base64.ts'
import { verifyKeyFrom } from '../../src/protocol/signing.ts'
import { isSmallOrder } from '../../src/protocol/small-order.ts'

test('all points whose order divides 8 are refused, in every spelling', () => {
  const spellings = smallOrderSpellings()
  assert.equal(spellings.length, 14)
  for (const spelling of spellings) {
    assert.ok(isSmallOrder(spelling), spelling.toString('hex'))
    assert.equal(verifyKeyFrom(encodeBase64(spelling)), undefined)
  }
})

test('the base point is not one of them', () => assert.ok(!isSmallOrder(Buffer.from(`58${'66'.repeat(31)}`, 'hex'))))

const P = 2n ** 255n - 19n
function littleEndian(number: bigint): Buffer {
  return Buffer.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toReversed())
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) result = (result * b) % P
  return result
}

/**
 * The y of the points of order 1, 2, 4 and 8, worked out: y = 1, y = -1, y = 0, and for order 8, whose doubles have
 * y = 0, the y with dy⁴ + 2y² - 1 = 0. Each with either sign of x, and those below 19 also with p added.
 */
function smallOrderSpellings(): Buffer[] {
  const d = ((P - 121665n) * power(121666n, P - 2n)) % P
  const ys = new Set([1n, P - 1n, 0n])
  const root = squareRoot((1n + d) % P)
  assert.ok(root !== undefined)
  for (const r of [root, P - root]) {
    const y = squareRoot(((r + P - 1n) * power(d, P - 2n)) % P)
    if (y !== undefined) ys.add(y).add(P - y)
  }
  const spelled = [...ys].flatMap((y) => (y < 19n ? [y, y + P] : [y]))
  return spelled.flatMap((y) => [littleEndian(y), littleEndian(y + 2n ** 255n)])
}

function squareRoot(square: bigint): bigint | undefined {
  const candidate = power(square, (P + 3n) / 8n)
  const roots = [candidate, (candidate * power(2n, (P - 1n) / 4n)) % P]
  return roots.find((root) => (root * root) % P === square)
}
