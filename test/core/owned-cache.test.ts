import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OwnedCache } from '../../src/core/owned-cache.ts'

const ALICE = 1
const BOB = 2
const CAROL = 3

function keys(cache: OwnedCache<object>): string[] {
  return [ALICE, BOB, CAROL].map((owner) => [...cache.keys(owner)].join(''))
}

test('an owner keeps what was used last, and takes nothing from others', () => {
  const cache = new OwnedCache<object>({ ofOwner: 10, all: 100 })
  cache.set(BOB, 'a', {}, 5)
  for (const key of ['a', 'b', 'c']) cache.set(ALICE, key, {}, 3)
  assert.ok(cache.get(ALICE, 'a'))
  cache.set(ALICE, 'd', {}, 3)
  assert.deepEqual(keys(cache), ['cad', 'a', ''])
  assert.equal(cache.get(ALICE, 'b'), undefined)
  assert.equal(cache.weight, 14)
})

test('what grows takes room from the others of its owner, and what is too large is not kept', () => {
  const cache = new OwnedCache<object>({ ofOwner: 10, all: 100 })
  const [small, large] = [{}, {}]
  cache.set(ALICE, 'a', small, 1)
  cache.set(ALICE, 'b', large, 1)
  cache.weigh(ALICE, 'b', large, 9)
  assert.deepEqual(keys(cache), ['ab', '', ''])
  cache.weigh(ALICE, 'b', large, 10)
  assert.deepEqual(keys(cache), ['b', '', ''])
  // What was forgotten does not come back.
  cache.weigh(ALICE, 'a', small, 5)
  cache.weigh(ALICE, 'b', small, 5)
  assert.equal(cache.weight, 10)
  cache.weigh(ALICE, 'b', large, 11)
  assert.deepEqual([keys(cache), cache.weight], [['', '', ''], 0])
})

test('where there is too much in all, who was not here for the longest time has to give way', () => {
  const cache = new OwnedCache<object>({ ofOwner: 10, all: 20 })
  for (const key of ['a', 'b']) for (const owner of [ALICE, BOB]) cache.set(owner, key, {}, 5)
  assert.ok(cache.get(ALICE, 'a'))
  cache.set(CAROL, 'a', {}, 4)
  assert.deepEqual(keys(cache), ['ba', 'b', 'a'])
  cache.set(CAROL, 'b', {}, 6)
  assert.deepEqual([keys(cache), cache.weight], [['ba', '', 'ab'], 20])
})

test('an entry that is set anew or deleted weighs nothing any more', () => {
  const cache = new OwnedCache<object>({ ofOwner: 10, all: 20 })
  cache.set(ALICE, 'a', {}, 8)
  cache.set(ALICE, 'a', {}, 2)
  assert.equal(cache.weight, 2)
  cache.delete(ALICE, 'a')
  cache.delete(BOB, 'a')
  assert.equal(cache.weight, 0)
})
