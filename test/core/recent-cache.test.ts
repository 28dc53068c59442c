import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentCache } from '../../src/core/recent-cache.ts'

test('a full cache forgets what was not used for the longest time, and keeps no more than it may', () => {
  const cache = new RecentCache<number, string>(10)
  for (let key = 0; key < 100; key++) {
    cache.set(key, `value ${key}`)
    assert.equal(cache.get(0), 'value 0')
  }
  const kept = Array.from({ length: 100 }, (_, key) => key).filter((key) => cache.has(key))
  assert.ok(kept.length <= 10 && kept.length > 5, kept.join())
  assert.deepEqual(kept.slice(-4), [96, 97, 98, 99])
})

test('an entry has the value that it was given last', () => {
  const cache = new RecentCache<string, number>(4)
  cache.set('a', 1)
  for (const key of ['b', 'c', 'd']) cache.set(key, 0)
  cache.set('a', 2)
  assert.equal(cache.get('a'), 2)
  cache.delete('a')
  assert.equal(cache.get('a'), undefined)
  assert.equal(cache.has('a'), false)
})

test('a cleared cache is empty', () => {
  const cache = new RecentCache<string, number>(4)
  for (const key of ['a', 'b', 'c']) cache.set(key, 1)
  cache.clear()
  assert.deepEqual(
    ['a', 'b', 'c'].filter((key) => cache.has(key)),
    [],
  )
})

test('where entries weigh something, no more is kept than so much, but for one that is heavier by itself', () => {
  const cache = new RecentCache<string, string>({ max: 100, maxWeight: 20, weightOf: (value) => value.length })
  const kept = () => ['a', 'b', 'c', 'd', 'e'].filter((key) => cache.has(key)).join('')
  for (const key of ['a', 'b', 'c', 'd']) cache.set(key, '12345')
  assert.equal(kept(), 'abcd')
  cache.set('e', '12345')
  assert.equal(kept(), 'cde')
  // The same key, lighter: there is room for another one.
  cache.set('e', '1')
  cache.set('d', '123456789')
  assert.equal(kept(), 'cde')
  cache.delete('d')
  cache.set('a', '123456789')
  assert.equal(kept(), 'ace')
  cache.set('b', 'x'.repeat(50))
  assert.equal(cache.get('b')?.length, 50)
  cache.set('c', '1')
  cache.set('d', '1')
  assert.equal(kept(), 'bcd')
})
