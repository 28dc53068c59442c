import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LookupCache, type LookupOutcome } from '../../src/federation/lookup-cache.ts'
import { FakeClock } from '../support/clock.ts'

const found = (value: string): LookupOutcome<string> => ({ kind: 'found', value, lifetimeMs: 1_000 })
const failed: LookupOutcome<string> = { kind: 'failed', fallback: 'nothing' }

function cacheOf(outcomes: LookupOutcome<string>[]) {
  const clock = new FakeClock()
  const asked: string[] = []
  const cache = new LookupCache<string>({
    clock,
    random: () => 1,
    retry: { firstMs: 100, capMs: 1_000 },
    staleMs: 5_000,
    load: async (key) => {
      asked.push(key)
      return outcomes.shift() ?? failed
    },
  })
  return { cache, clock, asked }
}

test('a value is kept for its lifetime, and those who ask together share one look-up', async () => {
  const { cache, clock, asked } = cacheOf([found('one'), found('two')])
  assert.deepEqual(await Promise.all([cache.get('k'), cache.get('k')]), ['one', 'one'])
  clock.later(999)
  assert.equal(await cache.get('k'), 'one')
  clock.later(1)
  assert.equal(await cache.get('k'), 'two')
  assert.deepEqual(asked, ['k', 'k'])
})

test('a value from before stands in for failed look-ups, but not for ever', async () => {
  const { cache, clock } = cacheOf([found('one')])
  await cache.get('k')
  clock.later(4_999)
  assert.equal(await cache.get('k'), 'one')
  clock.later(100)
  assert.equal(await cache.get('k'), 'nothing')
})

test('failures are remembered, for longer each time', async () => {
  const { cache, clock, asked } = cacheOf([])
  for (const wait of [100, 200, 400, 800, 1_000, 1_000]) {
    assert.equal(await cache.get('k'), 'nothing')
    const before = asked.length
    clock.later(wait - 1)
    await cache.get('k')
    assert.equal(asked.length, before)
    clock.later(1)
  }
  assert.equal(asked.length, 6)
})
