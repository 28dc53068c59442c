import assert from 'node:assert/strict'
import test from 'node:test'
import { type Limiter, RateLimiter } from '../../src/http/rate-limit.ts'
import { LIMITS } from './support.ts'

function limiterAt(start: number) {
  let now = start
  const limiter = new RateLimiter({ ...LIMITS, enabled: true, join: { perSecond: 0.5, burst: 2 } }, { now: () => now })
  /** How many milliseconds a call has to wait. */
  const wait = (name: Limiter, key: string) => limiter.take(name, key)?.waitMs ?? 0
  return { limiter, wait, later: (ms: number) => void (now += ms) }
}

test('a burst is let through, then one every two seconds', () => {
  const { wait, later } = limiterAt(1_000_000)
  assert.deepEqual([wait('join', 'a'), wait('join', 'a'), wait('join', 'a')], [0, 0, 2000])
  later(500)
  assert.equal(wait('join', 'a'), 1500)
  later(1500)
  assert.equal(wait('join', 'a'), 0)
  assert.equal(wait('join', 'a'), 2000)
})

test('a bucket holds no more than the burst', () => {
  const { wait, later } = limiterAt(1_000_000)
  wait('join', 'a')
  later(3_600_000)
  assert.deepEqual([wait('join', 'a'), wait('join', 'a'), wait('join', 'a')], [0, 0, 2000])
})

test('keys and limiters do not share a bucket', () => {
  const { wait } = limiterAt(1_000_000)
  wait('join', 'a')
  wait('join', 'a')
  assert.equal(wait('join', 'b'), 0)
  assert.equal(wait('invite', 'a'), 0)
})

test('a clock that is set back neither adds nor takes', () => {
  const { wait, later } = limiterAt(1_000_000)
  wait('join', 'a')
  later(-500_000)
  assert.equal(wait('join', 'a'), 0)
  assert.equal(wait('join', 'a'), 2000)
})

test('switched off, or for the class none, everything passes', () => {
  const off = new RateLimiter(LIMITS, { now: () => 0 })
  const { wait } = limiterAt(0)
  for (let i = 0; i < 10; i++) assert.deepEqual([off.take('join', 'a'), wait('none', 'a')], [undefined, 0])
})

test('the first of those that are refused in a row is told apart', () => {
  const { limiter, later } = limiterAt(1_000_000)
  const areFirst = (count: number) => Array.from({ length: count }, () => limiter.take('join', 'a')?.isFirst)
  assert.deepEqual(areFirst(5), [undefined, undefined, true, false, false])
  later(2000)
  assert.deepEqual(areFirst(3), [undefined, true, false])
})
