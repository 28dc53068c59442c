import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Convergence } from './convergence.ts'

const SEEDS = 48

test(`three servers agree after partitions, whatever was done meanwhile (${SEEDS} seeds, all room versions)`, async () => {
  await using servers = new Convergence()
  const seen = { accepted: 0, softFailed: 0, rejected: 0, disputed: 0 }
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const outcome = await servers.run(seed)
      for (const key of ['accepted', 'softFailed', 'rejected', 'disputed'] as const) seen[key] += outcome[key]
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
  assert.ok(
    Object.values(seen).every((count) => count > SEEDS),
    `the histories are not harsh enough: ${JSON.stringify(seen)}`,
  )
})
