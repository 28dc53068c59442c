/** MSC4354: sticky events in /sync. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { testHomeserver } from '../support/homeserver.ts'
import { openSocket } from '../support/sync-socket.ts'
import type { SeenEvent, SeenRoom, SeenSync, TestUser } from '../support/user.ts'
import { type Syncer, syncServer } from './support.ts'

const MINUTE = 60_000
const DURATION = 'org.matrix.msc4354.sticky_duration_ms'
const FEW = { filter: JSON.stringify({ room: { timeline: { limit: 1 } } }) }

type Stickied = SeenRoom & { readonly msc4354_sticky?: { readonly events: SeenEvent[] } }

let requests = 0

async function stick(user: Pick<TestUser, 'ok'>, room: string, key: string, duration = 10 * MINUTE): Promise<string> {
  const path = `rooms/${encodeURIComponent(room)}/send/m.rtc.member/s${requests++}?${DURATION}=${duration}`
  return String((await user.ok('PUT', path, { msc4354_sticky_key: key }))['event_id'])
}

const sectionOf = (seen: Pick<SeenSync, 'rooms'>, room: string) => seen.rooms.join[room] as Stickied | undefined
const stickyIds = (seen: Pick<SeenSync, 'rooms'>, room: string) =>
  sectionOf(seen, room)?.msc4354_sticky?.events.map(({ event_id }) => event_id)

async function roomOfTwo(hs: { users(...names: string[]): Promise<TestUser[]> }) {
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  return { alice, bob, room }
}

test('what is sticky is told once, in the timeline or beside it, with the time that is left', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await roomOfTwo(hs)
  await bob.sync(FEW)
  const first = await stick(alice, room, 'one')
  const [seen] = (await bob.sync(FEW)).rooms.join[room]?.timeline.events ?? []
  assert.equal(seen?.event_id, first)
  assert.deepEqual(seen['msc4354_sticky'], { duration_ms: 10 * MINUTE })
  const ttl = (seen['unsigned'] as JsonObject)['msc4354_sticky_duration_ttl_ms']
  assert.ok(typeof ttl === 'number' && ttl > 0 && ttl <= 10 * MINUTE)
  const second = await stick(alice, room, 'two')
  const third = await stick(alice, room, 'three')
  await alice.send(room, 'and more')
  const gappy = await bob.sync(FEW)
  assert.equal(sectionOf(gappy, room)?.timeline.limited, true)
  assert.deepEqual(stickyIds(gappy, room), [second, third])
  const [beside] = sectionOf(gappy, room)?.msc4354_sticky?.events ?? []
  assert.deepEqual(beside?.content, { msc4354_sticky_key: 'two' })
  assert.ok(Number((beside['unsigned'] as JsonObject)['msc4354_sticky_duration_ttl_ms']) > 0)
  await alice.send(room, 'nothing sticky')
  const after = sectionOf(await bob.sync(FEW), room)
  assert.ok(after && !('msc4354_sticky' in after))
})

test('the timeline filter comes before: what it takes out of the timeline is told beside it', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await roomOfTwo(hs)
  const filter = JSON.stringify({ room: { timeline: { types: ['m.room.message'] } } })
  await bob.sync({ filter })
  const eventId = await stick(alice, room, 'one')
  const seen = await bob.sync({ filter })
  assert.deepEqual(sectionOf(seen, room)?.timeline.events, [])
  assert.deepEqual(stickyIds(seen, room), [eventId])
})

test('whoever comes in is told all that is sticky, whatever the history visibility, but not of users whom they ignore', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await roomOfTwo(hs)
  const [carol] = (await hs.users('carol')) as [TestUser]
  await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'joined' })
  const ofAlice = await stick(alice, room, 'alice')
  await stick(bob, room, 'bob')
  await carol.ok('PUT', `user/${carol.id}/account_data/m.ignored_user_list`, { ignored_users: { [bob.id]: {} } })
  await carol.sync()
  await carol.join(room)
  assert.deepEqual(stickyIds(await carol.sync(), room), [ofAlice])
  assert.equal(stickyIds(await carol.sync(), room), undefined)
})

test('redacted events are not sticky, others are after a restart', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await roomOfTwo(hs)
  const kept = await stick(alice, room, 'kept')
  const redacted = await stick(alice, room, 'redacted')
  const path = `rooms/${encodeURIComponent(room)}`
  await alice.ok('PUT', `${path}/redact/${encodeURIComponent(redacted)}/r1`, {})
  assert.ok(!('msc4354_sticky' in (await alice.ok('GET', `${path}/event/${encodeURIComponent(redacted)}`))))
  await hs.restart()
  assert.deepEqual((await alice.ok('GET', `${path}/event/${encodeURIComponent(kept)}`))['msc4354_sticky'], {
    duration_ms: 10 * MINUTE,
  })
  assert.deepEqual(stickyIds(await bob.sync(FEW), room), [kept])
})

test('durations are whole milliseconds up to an hour; state is sticky too, memberships are not', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await roomOfTwo(hs)
  const path = `rooms/${encodeURIComponent(room)}`
  for (const duration of ['-1', '3600001', '1.5', 'long', ''])
    await alice.refused(400, 'M_INVALID_PARAM', 'PUT', `${path}/send/m.rtc.member/bad${duration}?${DURATION}=${duration}`, {})
  const { unstable_features: features } = await alice.ok('GET', '/_matrix/client/versions')
  assert.equal((features as JsonObject)['org.matrix.msc4354'], true)
  const state = () => alice.ok('PUT', `${path}/state/org.example.state/?${DURATION}=${MINUTE}`, { a: 1 })
  const [one, two] = [await state(), await state()]
  assert.notEqual(one['event_id'], two['event_id'], 'setting it again makes it sticky for longer')
  await alice.send(room, 'after')
  assert.deepEqual(stickyIds(await bob.sync(FEW), room), [one['event_id'], two['event_id']])
  const membership = `${path}/state/m.room.member/${encodeURIComponent(alice.id)}?${DURATION}=${MINUTE}`
  await alice.refused(400, 'M_INVALID_PARAM', 'PUT', membership, { membership: 'join' })
})

test('sockets and waiting requests are told like all others', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await roomOfTwo(hs)
  const carol = await hs.user('carol')
  await carol.join(room)
  const filter = JSON.stringify({ room: { timeline: { types: ['m.room.message'] } } })
  const socket = await openSocket(hs, bob, { filter })
  await socket.take()
  const text = await alice.send(room, 'not sticky')
  await socket.takeUntil((answer) => answer.rooms?.join?.[room]?.timeline.events.find((event) => event.event_id === text))
  await carol.sync({ filter })
  const waiting = carol.sync({ filter, timeout: '30000' })
  const eventId = await stick(alice, room, 'one')
  assert.deepEqual(await socket.takeUntil((answer) => stickyIds(answer, room)), [eventId])
  assert.deepEqual(stickyIds(await waiting, room), [eventId])
  socket.webSocket.close()
})

test('an event is sticky until its time is over', async () => {
  await using hs = await syncServer()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [Syncer, Syncer]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const short = await stick(alice, room, 'short', MINUTE)
  const long = await stick(alice, room, 'long', 2 * MINUTE)
  await alice.send(room, 'after')
  const all = () => bob.syncFrom(undefined, FEW) as Promise<unknown> as Promise<SeenSync>
  hs.clock.later(MINUTE - 1)
  assert.deepEqual(stickyIds(await all(), room), [short, long])
  hs.clock.later(1)
  const [event] = sectionOf(await all(), room)?.msc4354_sticky?.events ?? []
  assert.equal(event?.event_id, long)
  assert.equal((event['unsigned'] as JsonObject)['msc4354_sticky_duration_ttl_ms'], MINUTE)
  hs.clock.later(MINUTE)
  assert.equal(stickyIds(await all(), room), undefined)
  // The next one takes the place of those that are over.
  await stick(alice, room, 'next')
  const rows = await hs.storage.db.all('SELECT event_nid FROM sticky_events')
  assert.equal(rows.length, 1)
})

test('long events are forgotten sooner: the contents of a sender have 500,000 characters together', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await roomOfTwo(hs)
  const ids: string[] = []
  for (let count = 0; count < 10; count++) ids.push(await stick(alice, room, 'x'.repeat(60_000)))
  await alice.send(room, 'after')
  assert.deepEqual(stickyIds(await bob.sync(FEW), room), ids.slice(2))
})

test('of many events of a sender the newest are sticky', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await roomOfTwo(hs)
  const ids: string[] = []
  for (let count = 0; count < 105; count++) ids.push(await stick(alice, room, `key ${count}`))
  const ofBob = await stick(bob, room, 'bob')
  await alice.send(room, 'after')
  assert.deepEqual(stickyIds(await bob.sync(FEW), room), [...ids.slice(5), ofBob])
})
