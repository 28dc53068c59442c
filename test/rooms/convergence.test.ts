import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Convergence } from './convergence.ts'

const SEEDS = 48

test(`three servers agree after partitions, whatever was done meanwhile (${SEEDS} seeds, all room versions)`, async () => {
  await using servers = new Convergence()
  let softFailed = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      softFailed += (await servers.run(seed)).softFailed
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
  assert.ok(softFailed > 0, 'the histories are not harsh enough')
})
