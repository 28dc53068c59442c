import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerName } from '../../schemas/ids.ts'
import { RetryGate } from '../../src/federation/retry-gate.ts'
import { FakeClock } from '../support/clock.ts'

const server = 'hs.test' as ServerName

function setUp() {
  const clock = new FakeClock()
  return { clock, gate: new RetryGate({ clock, random: () => 1, policy: { firstMs: 1_000, capMs: 5_000 } }) }
}

test('each failure in a row doubles the wait, up to the configured longest', () => {
  const { clock, gate } = setUp()
  assert.equal(gate.waitMs(server), 0)
  for (const wait of [1_000, 2_000, 4_000, 5_000, 5_000]) {
    gate.failed(server, clock.now())
    assert.equal(gate.waitMs(server), wait)
    clock.later(wait)
    assert.equal(gate.waitMs(server), 0)
  }
  assert.equal(gate.failures(server), 5)
})

test('calls that were under way together count as one failure', () => {
  const { clock, gate } = setUp()
  const startedAt = clock.now()
  clock.later(50)
  for (let call = 0; call < 10; call++) gate.failed(server, startedAt)
  assert.equal(gate.failures(server), 1)
})

test('a sign of life opens the gate and is announced once', () => {
  const { clock, gate } = setUp()
  const recovered: string[] = []
  gate.onRecovery((name) => recovered.push(name))
  gate.alive(server)
  gate.failed(server, clock.now())
  gate.alive(server)
  gate.alive(server)
  assert.equal(gate.waitMs(server), 0)
  assert.deepEqual(recovered, [server])
})
