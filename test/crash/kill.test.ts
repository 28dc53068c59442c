import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CrashTest } from './crash.ts'

test('a server that is killed at work keeps what it has acknowledged, once and in order, three times over', async () => {
  await using crash = await CrashTest.start(1)
  for (let round = 0; round < 3; round++) {
    const { events } = await crash.round()
    assert.ok(events > 0)
  }
})
