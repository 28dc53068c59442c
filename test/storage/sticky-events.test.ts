import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStorage } from '../../src/app/storage.ts'

const ROOM = 1
const NOW = 1_000
const LATER = 2_000

test('soft-failed events are the first to be forgotten, and what is over goes with the next one', async () => {
  const { db, stickyEventsTable: table } = openStorage(':memory:', 'OFF')
  await using _ = db
  let nid = 0
  const add = (senderNid: number, isHeldBack: boolean, expiresTs = LATER) =>
    db.write((batch) => {
      const position = isHeldBack ? undefined : batch.nextPosition()
      table.add(batch, { nid: ++nid, roomNid: ROOM, senderNid, position, expiresTs, size: 1 }, NOW)
    })
  const writes: Promise<void>[] = []
  for (let sender = 1; sender <= 10; sender++) for (let count = 0; count < 99; count++) writes.push(add(sender, false))
  await Promise.all(writes)
  for (let count = 0; count < 20; count++) await add(11, true)
  assert.equal((await table.ofRoom(ROOM, NOW)).length, 990)
  assert.equal((await table.heldBack(ROOM, 11, NOW)).length, 10)
  for (let count = 0; count < 10; count++) await add(12, false)
  assert.equal((await table.ofRoom(ROOM, NOW)).length, 1_000)
  assert.deepEqual(await table.heldBack(ROOM, 11, NOW), [])
  assert.equal(table.mayHave(ROOM, NOW), true)
  assert.equal(table.mayHave(ROOM, NOW, db.position), false)
  assert.equal(table.mayHave(ROOM, LATER), false)
  await db.write((batch) => {
    const event = { nid: ++nid, roomNid: ROOM, senderNid: 1, position: batch.nextPosition(), expiresTs: LATER + 1, size: 1 }
    table.add(batch, event, LATER)
  })
  assert.deepEqual(
    (await db.all<{ event_nid: number }>('SELECT event_nid FROM sticky_events')).map(({ event_nid }) => event_nid),
    [nid],
  )
})
