import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { UserId } from '../../schemas/ids.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { migrations } from '../../src/storage/migrations/index.ts'
import { Replica } from '../support/replica.ts'

const alice = '@alice:ours' as UserId
const bob = '@bob:other' as UserId
const CITATIONS = 'SELECT * FROM auth_citations ORDER BY cited, citing'

/** Rooms of versions whose events are kept as text and in parts, in a file of its own. */
async function fillRooms(path: string): Promise<void> {
  await using replica = new Replica('ours', undefined, undefined, { file: path })
  for (const version of ['1', '12']) {
    const { roomId } = await replica.create(version, alice, [
      { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
      { type: 'm.room.topic', stateKey: '', content: { topic: 'one' } },
    ])
    await replica.send(roomId, { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join' } })
    await replica.send(roomId, { sender: bob, type: 'm.room.message', content: { body: 'hello' } })
  }
}

test('a database from before the index gets what its events cite, as if it had been there from the first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  const path = join(folder, 'test.db')
  await fillRooms(path)
  const db = new Sqlite(path)
  const kept = db.prepare(CITATIONS).all()
  assert.ok(kept.length > 5, String(kept.length))
  const { number = 0 } = migrations.find(({ name }) => name === 'auth citations') ?? {}
  for (const { number: later } of migrations.slice(number)) db.prepare('DELETE FROM migrations WHERE number = ?').run(later)
  db.exec(`DROP TABLE auth_citations; DELETE FROM migrations WHERE number = ${number}`)
  migrate(db, migrations.slice(0, number))
  assert.deepEqual(db.prepare(CITATIONS).all(), kept)
  db.close()
  await rm(folder, { recursive: true })
})

test('what cites an event is known before it is durable, the latest first, and after', async () => {
  await using replica = new Replica('ours')
  const { storage, core } = replica
  const { roomId } = await replica.create('11', alice, [
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  const room = await replica.room(roomId)
  const create =
    (await core.states.get((await core.heads.get(room)).stateRoot, 'm.room.create')) ?? assert.fail('no create event')
  const queued = await core.heads.locked(roomId, () =>
    core.sender.queue(room, { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join' } }),
  )
  const before = await storage.authGraph.citations(create.nid)
  assert.deepEqual(before.citations[0], { citing: queued.stored.nid, kind: queued.stored.kindNid, isCited: false })
  const auth = await storage.authGraph.authEvents(queued.stored.nid)
  assert.ok(auth.includes(create.nid) && auth.every((nid) => nid < queued.stored.nid))
  await queued.written
  assert.deepEqual(await storage.authGraph.citations(create.nid), before)
  assert.deepEqual(await storage.authGraph.authEvents(queued.stored.nid), auth)
})
