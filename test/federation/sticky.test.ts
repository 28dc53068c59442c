/** MSC4354: sticky events between servers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { testFederation } from '../support/homeserver.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import { logIn, type SeenEvent, type SeenSync } from '../support/user.ts'
import { syncServer } from '../sync/support.ts'
import { besideRemote } from './support.ts'

const BOB = '@bob:remote.test' as UserId
const MINUTE = 60_000

/** What a sync tells of a room's sticky events, in the timeline and beside it: their ids. */
function stickyIn(seen: SeenSync, room: string): string[] {
  const section = seen.rooms.join[room] as SeenSync['rooms']['join'][string] & { msc4354_sticky?: { events: SeenEvent[] } }
  const events = [...(section?.timeline.events ?? []), ...(section?.msc4354_sticky?.events ?? [])]
  return events.flatMap((event) => (event['msc4354_sticky'] === undefined ? [] : event.event_id))
}

test('a server that comes into a room is sent what is sticky there, by each server its own', async () => {
  await using servers = await testFederation(3)
  const [alice, bob, carol] = await Promise.all(servers.map((hs, index) => hs.user(['alice', 'bob', 'carol'][index] ?? '')))
  assert.ok(alice && bob && carol)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room, 'hs1.test')
  const path = `rooms/${encodeURIComponent(room)}/send/m.rtc.member`
  const query = `org.matrix.msc4354.sticky_duration_ms=${10 * MINUTE}`
  const sent = [
    await alice.ok('PUT', `${path}/1?${query}`, { msc4354_sticky_key: 'a' }),
    await bob.ok('PUT', `${path}/1?${query}`, { msc4354_sticky_key: 'b' }),
  ].map(({ event_id: eventId }) => eventId)
  // What comes after it is more than a server that joins asks for.
  for (let count = 0; count < 30; count++) await alice.send(room, `message ${count}`)
  await bob.syncUntil((seen) => seen.rooms.join[room]?.timeline.events.find(({ content }) => content['body'] === 'message 29'))
  await carol.join(room, 'hs1.test')
  const found = new Set<string>()
  await carol.syncUntil((seen) => {
    for (const eventId of stickyIn(seen, room)) found.add(eventId)
    return sent.every((eventId) => found.has(String(eventId))) || undefined
  })
})

test('what is sticky stays in the outbox where too much waits for a server that is down', async () => {
  await using hs = await syncServer()
  const { outbox, db, events } = hs.storage
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const path = `rooms/${encodeURIComponent(room)}/send/m.rtc.member/1?org.matrix.msc4354.sticky_duration_ms=${MINUTE}`
  const ids = [(await alice.ok('PUT', path, {}))['event_id'], await alice.send(room, 'one'), await alice.send(room, 'two')]
  const nids = [...(await events.nids(ids as EventId[])).values()]
  const down = 'down.test' as ServerName
  await db.write((batch) => nids.forEach((nid) => outbox.enqueue(batch, [down], nid)))
  await db.write((batch) => outbox.collapse(batch, down))
  assert.deepEqual(await outbox.events(down, 10), [nids[0], nids[2]])
})

/** Bob, who has been kicked here without his server knowing, wants something to be sticky. */
async function withSoftFailed() {
  const hs = await besideRemote()
  const room = new RemoteRoom(hs.remote)
  room.join(BOB)
  room.serveJoins()
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('POST', `join/${encodeURIComponent(room.roomId)}?server_name=remote.test`, {})
  await alice.sync()
  const member = (membership: string, sender = room.admin) => room.add('m.room.member', { membership }, { sender, stateKey: BOB })
  const sticky = room.add('m.rtc.member', {}, { sender: BOB, aside: true, stickyMs: 10 * MINUTE })
  const plain = room.say('plain', { sender: BOB, aside: true })
  for (const event of [member('leave'), sticky, plain]) assert.deepEqual((await hs.send([event]))[event.eventId], {})
  return { ...hs, room, alice, sticky, member }
}

test('a soft-failed sticky event is told when its sender is allowed to send it', async () => {
  await using hs = await withSoftFailed()
  const { room, alice, sticky, member } = hs
  assert.deepEqual(stickyIn(await alice.sync(), room.roomId), [])
  const back = member('join', BOB)
  assert.deepEqual((await hs.send([back]))[back.eventId], {})
  const told = await alice.syncUntil((seen) => stickyIn(seen, room.roomId)[0])
  assert.equal(told, sticky.eventId)
  assert.deepEqual(stickyIn(await alice.sync(), room.roomId), [])
})

test('a start in the future does not make an event sticky for longer, nor does a duration above an hour', async () => {
  await using hs = await withSoftFailed()
  const { room, alice, member } = hs
  await hs.send([member('join', BOB)])
  const future = { sender: BOB, stickyMs: 24 * 60 * MINUTE, originServerTs: Date.now() + 60 * MINUTE }
  const event = room.add('m.rtc.member', {}, future)
  assert.deepEqual((await hs.send([event]))[event.eventId], {})
  const path = `rooms/${encodeURIComponent(room.roomId)}/event/${encodeURIComponent(event.eventId)}`
  const unsigned = (await alice.ok('GET', path))['unsigned'] as JsonObject
  const ttl = Number(unsigned['msc4354_sticky_duration_ttl_ms'])
  assert.ok(ttl > 0 && ttl <= 60 * MINUTE)
})
