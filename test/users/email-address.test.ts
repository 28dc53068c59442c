import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalEmail } from '../../src/users/email-address.ts'

for (const [address, canonical] of [
  ['bob@Example.com', 'bob@example.com'],
  ['Strauß@Example.com', 'strauss@example.com'],
  ['STRAUẞ@example.com', 'strauss@example.com'],
  [' ΟΔΥΣΣΕΥΣ@example.com', 'οδυσσευσ@example.com'],
  ['οδυσσευς@example.com', 'οδυσσευσ@example.com'],
] as const)
  test(`${address} is ${canonical}`, () => assert.equal(canonicalEmail(address), canonical))

test('a dotless i is not an i: nobody gets at another address by it', () => {
  assert.notEqual(canonicalEmail('mıke@example.com'), canonicalEmail('mike@example.com'))
  assert.notEqual(canonicalEmail('mike@gıthub.example'), canonicalEmail('MIKE@GITHUB.example'))
})
