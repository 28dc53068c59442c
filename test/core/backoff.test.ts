import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffDelay } from '../../src/core/backoff.ts'

test('waits double up to the cap, and chance picks the upper half', () => {
  const policy = { firstMs: 1_000, capMs: 10_000 }
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 60].map((failures) => backoffDelay(policy, failures, 1)),
    [0, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000],
  )
  assert.equal(backoffDelay(policy, 3, 0), 2_000)
  assert.equal(backoffDelay(policy, 2_000, 0.5), 7_500)
})

test('the first failures can be free', () => {
  const policy = { freeFailures: 3, firstMs: 1_000, capMs: 10_000 }
  assert.deepEqual(
    [1, 3, 4, 5].map((failures) => backoffDelay(policy, failures, 1)),
    [0, 0, 1_000, 2_000],
  )
})
