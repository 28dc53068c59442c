import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { Database } from '../../src/storage/database.ts'
import { StateMaps } from '../../src/storage/state.ts'

async function withMaps(run: (maps: StateMaps, db: Database, reopened: () => StateMaps) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  const db = new Database({ path: join(folder, 'test.db'), synchronous: 'OFF' })
  await run(new StateMaps(db), db, () => new StateMaps(db))
  await db[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
}

async function changed(maps: StateMaps, db: Database, root: number, changes: Iterable<readonly [number, number | undefined]>) {
  const change = await maps.change(root, new Map(changes))
  await db.write((batch) => maps.write(batch, change))
  return change.root
}

const sorted = (entries: Iterable<[number, number]>) => [...entries].sort(([a], [b]) => a - b)
const steps = fc.array(
  fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined })), {
    maxLength: 60,
  }),
  { maxLength: 8 },
)

describe('state maps', () => {
  test('hold what a plain map would, at every version, also when read back from disk', () =>
    withMaps(async (maps, db, reopened) => {
      await fc.assert(
        fc.asyncProperty(steps, async (changesList) => {
          const model = new Map<number, number>()
          const versions: [number, [number, number][]][] = [[0, []]]
          let root = 0
          for (const changes of changesList) {
            const deduplicated = new Map(changes)
            root = await changed(maps, db, root, deduplicated)
            for (const [kind, event] of deduplicated) {
              if (event === undefined) model.delete(kind)
              else model.set(kind, event)
            }
            versions.push([root, sorted(model)])
          }
          const fresh = reopened()
          for (const [version, expected] of versions) {
            assert.deepEqual(sorted(await fresh.entries(version)), expected)
            assert.deepEqual(
              sorted(
                await fresh.get(
                  version,
                  expected.map(([kind]) => kind),
                ),
              ),
              expected,
            )
          }
        }),
        { numRuns: 60 },
      )
    }))

  test('differ in exactly what is different', () =>
    withMaps(async (maps, db) => {
      await fc.assert(
        fc.asyncProperty(steps, steps, async (left, right) => {
          const build = async (from: number, list: typeof left) => {
            let root = from
            for (const changes of list) root = await changed(maps, db, root, changes)
            return root
          }
          const base = await build(0, left)
          const other = await build(base, right)
          const before = await maps.entries(base)
          const after = await maps.entries(other)
          const expected = [...new Set([...before.keys(), ...after.keys()])]
            .filter((kind) => before.get(kind) !== after.get(kind))
            .sort((a, b) => a - b)
          const differences = await maps.difference(base, other)
          assert.deepEqual(
            differences.map(({ kind }) => kind).sort((a, b) => a - b),
            expected,
          )
          for (const { kind, before: old, after: now } of differences)
            assert.deepEqual([old, now], [before.get(kind), after.get(kind)])
        }),
        { numRuns: 60 },
      )
    }))

  test('share what they have in common: a change to a large state costs a few nodes', () =>
    withMaps(async (maps, db) => {
      const root = await changed(
        maps,
        db,
        0,
        Array.from({ length: 10_000 }, (_, i) => [i + 1, i + 1] as const),
      )
      const change = await maps.change(root, new Map([[5_000, 77]]))
      assert.ok(change.nodes.size <= 4, `${change.nodes.size} nodes`)
    }))

  test('are readable before they are durable, for the next event builds on them', () =>
    withMaps(async (maps, db) => {
      const change = await maps.change(0, new Map([[1, 10]]))
      const written = db.write((batch) => maps.write(batch, change))
      assert.deepEqual([...(await maps.entries(change.root))], [[1, 10]])
      await written
    }))
})
