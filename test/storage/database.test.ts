import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { Database } from '../../src/storage/database.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { migrations } from '../../src/storage/migrations/index.ts'

const ADD_NAME = 'INSERT INTO names (nid, name) VALUES (?, ?)'
const NAMES = 'SELECT name FROM names ORDER BY nid'

async function temporaryFile() {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  return { path: join(folder, 'test.db'), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

const open = (path: string) => new Database({ path, synchronous: 'OFF' })
const namesOf = async (db: Database) => (await db.all<{ name: string }>(NAMES)).map(({ name }) => name)

describe('writes', () => {
  test('are visible once their promise resolves, and after a reopening', async () => {
    await using file = await temporaryFile()
    {
      await using db = open(file.path)
      assert.equal(await db.write((batch) => (batch.run(ADD_NAME, 1, 'é\0"x'), 'done')), 'done')
      assert.deepEqual(await namesOf(db), ['é\0"x'])
    }
    await using again = open(file.path)
    assert.deepEqual(await namesOf(again), ['é\0"x'])
  })

  test('of one turn share a commit', async () => {
    await using file = await temporaryFile()
    await using db = open(file.path)
    const groups: number[] = []
    db.observeGroups((size) => groups.push(size))
    await Promise.all(Array.from({ length: 50 }, (_, i) => db.write((batch) => batch.run(ADD_NAME, i, `name ${i}`))))
    assert.deepEqual(groups, [50])
  })

  test('keep integers, reals, bytes and null', async () => {
    await using file = await temporaryFile()
    await using db = open(file.path)
    const values = [2 ** 53 - 1, -(2 ** 53 - 1), -1, 0, 127, 128, 1.5, null, new Uint8Array([0, 255])]
    for (const [nid, value] of values.entries()) {
      await db.write((batch) =>
        batch.run(
          'INSERT INTO events (event_nid, event_id, room_nid, kind_nid, sender_nid, standing, body) VALUES (?, ?, 0, 0, 0, 0, ?)',
          nid,
          String(nid),
          value ?? 'null',
        ),
      )
    }
    const rows = await db.all<{ body: unknown }>('SELECT body FROM events ORDER BY event_nid')
    assert.deepEqual(
      rows.map(({ body }) => (body instanceof Uint8Array ? [...body] : body)),
      values.map((value) => (value instanceof Uint8Array ? [...value] : (value ?? 'null'))),
    )
  })

  test('that fail reject alone, and leave nothing behind', async () => {
    await using file = await temporaryFile()
    await using db = open(file.path)
    const outcomes = await Promise.allSettled([
      db.write((batch) => batch.run(ADD_NAME, 1, 'one')),
      db.write((batch) => {
        batch.run(ADD_NAME, 2, 'two')
        batch.run(ADD_NAME, 3, 'one')
      }),
      db.write((batch) => batch.run(ADD_NAME, 4, 'four')),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(await namesOf(db), ['one', 'four'])
  })

  test('fail with the write of their chain that they build on, and only with that', async () => {
    await using file = await temporaryFile()
    await using db = open(file.path)
    const settled: (string | boolean)[] = []
    const add = (nid: number, name: string, chain: number) =>
      db.write((batch) => {
        batch.run(ADD_NAME, nid, name)
        batch.onSettled((committed) => settled.push(name, committed))
      }, chain)
    await add(1, 'one', 7)
    const outcomes = await Promise.allSettled([add(1, 'clash', 7), add(2, 'built on it', 7), add(3, 'elsewhere', 8)])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(await namesOf(db), ['one', 'elsewhere'])
    assert.deepEqual(settled, ['one', true, 'clash', false, 'built on it', false, 'elsewhere', true])
  })
})

describe('positions', () => {
  test('are visible after their commit, in order, and never move backwards', async () => {
    await using file = await temporaryFile()
    let last = 0
    {
      await using db = open(file.path)
      const before = db.position
      const drawn = await Promise.all([1, 2, 3].map(() => db.write((batch) => batch.nextPosition())))
      assert.deepEqual(drawn, [before + 1, before + 2, before + 3])
      assert.equal(db.position, before + 3)
      last = db.position
    }
    await using again = open(file.path)
    assert.ok(again.position >= last)
  })

  test('of a failed write are skipped', async () => {
    await using file = await temporaryFile()
    await using db = open(file.path)
    const before = db.position
    await assert.rejects(db.write((batch) => (batch.run(ADD_NAME, null, null), batch.nextPosition())))
    assert.equal(await db.write((batch) => batch.nextPosition()), before + 2)
  })

  test('are announced with the rooms and users that were touched', async () => {
    await using file = await temporaryFile()
    await using db = open(file.path)
    const heard: unknown[] = []
    db.onCommit(({ rooms, users, position }) => heard.push([[...rooms], [...users], position]))
    const position = await db.write((batch) => {
      batch.touchRoom(5)
      batch.touchUser(6)
      return batch.nextPosition()
    })
    assert.deepEqual(heard, [[[5], [6], position]])
  })
})

describe('migrations', () => {
  const one = { number: 1, name: 'one', sql: 'CREATE TABLE one (a)' }
  const two = { number: 2, name: 'two', sql: 'CREATE TABLE two (a)' }

  test('are applied once, in order', () => {
    const db = new Sqlite(':memory:')
    migrate(db, [one])
    migrate(db, [one, two])
    assert.deepEqual(db.prepare('SELECT number FROM migrations').pluck().all(), [1, 2])
  })

  test('of a newer version are refused', () => {
    const db = new Sqlite(':memory:')
    migrate(db, [one, two])
    assert.throws(() => migrate(db, [one]), /newer version of Causeway.*migration 2 "two"/)
  })

  test('that were altered are refused', () => {
    const db = new Sqlite(':memory:')
    migrate(db, [one])
    assert.throws(() => migrate(db, [{ ...one, sql: 'CREATE TABLE uno (a)' }]), /is not the one of this version/)
  })

  test('that fail leave nothing behind', () => {
    const db = new Sqlite(':memory:')
    assert.throws(() => migrate(db, [{ ...one, sql: 'CREATE TABLE one (a); CREATE TABLE one (b)' }]))
    assert.deepEqual(db.prepare(`SELECT name FROM sqlite_master WHERE name = 'one'`).all(), [])
  })

  test('drop what an analysis of a smaller database said', () => {
    const db = new Sqlite(':memory:')
    const number = migrations.findIndex(({ name }) => name === 'no statistics')
    migrate(db, migrations.slice(0, number))
    db.exec('ANALYZE')
    migrate(db)
    assert.deepEqual(db.prepare(`SELECT name FROM sqlite_master WHERE name = 'sqlite_stat1'`).all(), [])
  })
})

describe('writes that are held together', () => {
  test('are committed as one', async () => {
    await using file = await temporaryFile()
    await using db = open(file.path)
    const writes: Promise<unknown>[] = []
    await db.together(7, async () => {
      writes.push(db.write((batch) => batch.run(ADD_NAME, 1, 'one'), 7))
      writes.push(db.write((batch) => batch.run(ADD_NAME, 2, 'elsewhere'), 8))
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(await namesOf(db), [])
      writes.push(db.write((batch) => batch.run(ADD_NAME, 3, 'two'), 7))
    })
    await Promise.all(writes)
    assert.deepEqual(await namesOf(db), ['one', 'elsewhere', 'two'])
  })

  test('are all dropped when one fails, or the task', async () => {
    await using file = await temporaryFile()
    await using db = open(file.path)
    const writes: Promise<unknown>[] = []
    const add = (nid: number, name: string) => writes.push(db.write((batch) => batch.run(ADD_NAME, nid, name), 7))
    await db.together(7, async () => {
      add(1, 'one')
      add(1, 'clash')
    })
    const failed = db.together(7, async () => {
      add(2, 'two')
      throw new Error('changed my mind')
    })
    await assert.rejects(failed, /changed my mind/)
    assert.deepEqual(
      (await Promise.allSettled(writes)).map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
    assert.deepEqual(await namesOf(db), [])
  })
})

test('a database that is in use is refused to a second opener, until the first has closed it', async () => {
  await using file = await temporaryFile()
  {
    await using db = open(file.path)
    assert.throws(() => open(file.path), /in use by another Causeway process/)
    assert.equal(await db.write(() => 1), 1)
  }
  await using again = open(file.path)
  assert.deepEqual(await namesOf(again), [])
})
