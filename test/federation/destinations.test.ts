import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerName } from '../../schemas/ids.ts'
import { Destinations } from '../../src/federation/destinations.ts'
import { FakeClock } from '../support/clock.ts'

const server = 'hs.test' as ServerName

function setUp() {
  const clock = new FakeClock()
  return { clock, destinations: new Destinations({ clock, random: () => 1, maxRetryIntervalMs: 5_000 }) }
}

test('each failure in a row doubles the wait, up to the configured longest', () => {
  const { clock, destinations } = setUp()
  assert.equal(destinations.waitMs(server), 0)
  for (const wait of [1_000, 2_000, 4_000, 5_000, 5_000]) {
    destinations.failed(server, clock.now())
    assert.equal(destinations.waitMs(server), wait)
    clock.later(wait)
    assert.equal(destinations.waitMs(server), 0)
  }
  assert.equal(destinations.failures(server), 5)
})

test('calls that were under way together count as one failure', () => {
  const { clock, destinations } = setUp()
  const startedAt = clock.now()
  clock.later(50)
  for (let call = 0; call < 10; call++) destinations.failed(server, startedAt)
  assert.equal(destinations.failures(server), 1)
})

test('a sign of life opens the gate and is announced once', () => {
  const { clock, destinations } = setUp()
  const recovered: string[] = []
  destinations.onRecovery((name) => recovered.push(name))
  destinations.alive(server)
  destinations.failed(server, clock.now())
  destinations.alive(server)
  destinations.alive(server)
  assert.equal(destinations.waitMs(server), 0)
  assert.deepEqual(recovered, [server])
})
