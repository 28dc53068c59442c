import assert from 'node:assert/strict'
import test from 'node:test'
import { RateLimiter } from '../../src/http/rate-limit.ts'
import { LIMITS } from './support.ts'

function limiterAt(start: number) {
  let now = start
  const limiter = new RateLimiter({ ...LIMITS, enabled: true, join: { perSecond: 0.5, burst: 2 } }, { now: () => now })
  return { limiter, later: (ms: number) => void (now += ms) }
}

test('a burst is let through, then one every two seconds', () => {
  const { limiter, later } = limiterAt(1_000_000)
  assert.deepEqual([limiter.take('join', 'a'), limiter.take('join', 'a'), limiter.take('join', 'a')], [0, 0, 2000])
  later(500)
  assert.equal(limiter.take('join', 'a'), 1500)
  later(1500)
  assert.equal(limiter.take('join', 'a'), 0)
  assert.equal(limiter.take('join', 'a'), 2000)
})

test('a bucket holds no more than the burst', () => {
  const { limiter, later } = limiterAt(1_000_000)
  limiter.take('join', 'a')
  later(3_600_000)
  assert.deepEqual([limiter.take('join', 'a'), limiter.take('join', 'a'), limiter.take('join', 'a')], [0, 0, 2000])
})

test('keys and limiters do not share a bucket', () => {
  const { limiter } = limiterAt(1_000_000)
  limiter.take('join', 'a')
  limiter.take('join', 'a')
  assert.equal(limiter.take('join', 'b'), 0)
  assert.equal(limiter.take('invite', 'a'), 0)
})

test('a clock that is set back neither adds nor takes', () => {
  const { limiter, later } = limiterAt(1_000_000)
  limiter.take('join', 'a')
  later(-500_000)
  assert.equal(limiter.take('join', 'a'), 0)
  assert.equal(limiter.take('join', 'a'), 2000)
})

test('switched off, or for the class none, everything passes', () => {
  const off = new RateLimiter(LIMITS, { now: () => 0 })
  const { limiter } = limiterAt(0)
  for (let i = 0; i < 10; i++) assert.deepEqual([off.take('join', 'a'), limiter.take('none', 'a')], [0, 0])
})
