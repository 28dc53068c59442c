import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { type Client, type Reply, roomServer } from '../../support/room-server.ts'

interface Event {
  readonly event_id: string
  readonly type: string
  readonly sender: string
  readonly state_key?: string
  readonly room_id: string
  readonly content: JsonObject
}
interface Page {
  readonly start: string
  readonly end?: string
  readonly chunk: readonly Event[]
  readonly state?: readonly Event[]
}

const messages = (client: Client, room: string, query: Record<string, string>) =>
  client.ok<Page>('GET', `rooms/${room}/messages?${new URLSearchParams(query)}`)

const bodies = ({ chunk }: Page) => chunk.map(({ content, type }) => content['body'] ?? type)

async function say(client: Client, room: string, ...texts: string[]): Promise<string[]> {
  const sent: string[] = []
  for (const text of texts) sent.push(await client.send(room, text))
  return sent
}

test('history is read page by page in both directions', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const numbers = Array.from({ length: 20 }, (_, i) => String(i + 1))
  await say(alice, room, ...numbers)
  const first = await messages(alice, room, { dir: 'b', limit: '5' })
  assert.deepEqual(bodies(first), ['20', '19', '18', '17', '16'])
  const second = await messages(alice, room, { dir: 'b', limit: '5', from: first.end ?? '' })
  assert.deepEqual(bodies(second), ['15', '14', '13', '12', '11'])
  assert.equal(second.start, first.end)
  const back = await messages(alice, room, { dir: 'f', limit: '100', from: second.end ?? '' })
  assert.deepEqual(bodies(back), numbers.slice(10))
  const bounded = await messages(alice, room, { dir: 'b', limit: '100', to: second.end ?? '' })
  assert.deepEqual(bodies(bounded), numbers.slice(10).toReversed())
  const start = await messages(alice, room, { dir: 'f', limit: '2' })
  assert.deepEqual(bodies(start), ['m.room.create', 'm.room.member'])
  const rest = await messages(alice, room, { dir: 'b', limit: '100', from: second.end ?? '' })
  assert.equal(rest.chunk.at(-1)?.type, 'm.room.create')
  const nothing = await messages(alice, room, { dir: 'b', from: rest.end ?? '' })
  assert.deepEqual([nothing.chunk, nothing.end], [[], undefined])
  await alice.refused('M_INVALID_PARAM', 'GET', `rooms/${room}/messages?dir=b&from=nonsense`)
  await alice.refused('M_MISSING_PARAM', 'GET', `rooms/${room}/messages`)
})

test('a filter chooses among events, and brings the members that it leaves out', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await say(alice, room, 'from alice')
  await say(bob, room, 'from bob')
  await bob.send(room, {}, 'org.example.other')
  const filtered = (filter: JsonObject) => messages(alice, room, { dir: 'b', filter: JSON.stringify(filter) })
  assert.deepEqual(bodies(await filtered({ types: ['m.room.message'] })), ['from bob', 'from alice'])
  assert.deepEqual(bodies(await filtered({ types: ['m.room.m*sage'], not_senders: [bob.id] })), ['from alice'])
  const messagesOf = { types: ['m.room.message'] }
  assert.deepEqual(bodies(await filtered({ ...messagesOf, rooms: [room] })), ['from bob', 'from alice'])
  for (const rooms of [{ rooms: ['!other:ours.test'] }, { not_rooms: [room] }])
    assert.deepEqual(bodies(await filtered({ ...messagesOf, ...rooms })), [])
  const lazy = await filtered({ senders: [bob.id], types: ['m.room.message'], lazy_load_members: true })
  assert.deepEqual(
    lazy.state?.map((event) => event.state_key),
    [bob.id],
  )
  await alice.refused('M_NOT_JSON', 'GET', `rooms/${room}/messages?dir=b&filter={`)
})

test('who has left sees the room as it was then', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat', name: 'Before' })
  await bob.join(room)
  await say(alice, room, 'before')
  await bob.ok('POST', `rooms/${room}/leave`)
  await say(alice, room, 'after')
  await alice.setState(room, 'm.room.name', { name: 'After' })
  const seen = await messages(bob, room, { dir: 'b', limit: '2' })
  assert.deepEqual(bodies(seen), ['m.room.member', 'before'])
  assert.deepEqual(await bob.ok('GET', `rooms/${room}/state/m.room.name`), { name: 'Before' })
  const state = await bob.ok<Event[]>('GET', `rooms/${room}/state`)
  assert.equal(state.find(({ state_key: key }) => key === bob.id)?.content['membership'], 'leave')
  const { chunk } = await bob.ok<{ chunk: Event[] }>('GET', `rooms/${room}/members`)
  assert.deepEqual(chunk.map((event) => event.content['membership']).toSorted(), ['join', 'leave'])
  assert.deepEqual(bodies(await messages(bob, room, { dir: 'f', from: seen.start })), [])
  for (const path of ['joined_members', 'aliases']) await bob.refused('M_FORBIDDEN', 'GET', `rooms/${room}/${path}`)
  // Having been invited again, and having said no, changes nothing.
  await alice.ok('POST', `rooms/${room}/invite`, { user_id: bob.id })
  await bob.ok('POST', `rooms/${room}/leave`)
  assert.deepEqual(await bob.ok('GET', `rooms/${room}/state/m.room.name`), { name: 'Before' })
  await alice.ok('POST', `rooms/${room}/ban`, { user_id: bob.id })
  await bob.refused('M_FORBIDDEN', 'GET', `rooms/${room}/state/m.room.name`)
})

test('strangers, and those who were only invited, see nothing', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ invite: [bob.id] })
  const [eventId] = await say(alice, room, 'private')
  const paths = ['state', 'state/m.room.create', 'members', 'joined_members', 'messages?dir=b', `context/${eventId}`, 'aliases']
  for (const path of paths) await bob.refused('M_FORBIDDEN', 'GET', `rooms/${room}/${path}`)
  await bob.refused('M_NOT_FOUND', 'GET', `rooms/${room}/event/${eventId}`)
  await bob.refused('M_FORBIDDEN', 'GET', `/_matrix/client/v1/rooms/${room}/timestamp_to_event?ts=0&dir=f`)
  await bob.ok('POST', `rooms/${room}/leave`)
  for (const path of paths) await bob.refused('M_FORBIDDEN', 'GET', `rooms/${room}/${path}`)
  await bob.refused('M_FORBIDDEN', 'GET', `rooms/!unknown:ours.test/state`)
})

test('who has left sees what they saw, also when they are invited again and do not come', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ invite: [bob.id] })
  const [before] = await say(alice, room, 'before')
  await bob.join(room)
  await bob.ok('POST', `rooms/${room}/leave`)
  const [after] = await say(alice, room, 'after')
  const seesAsBefore = async () => {
    await bob.ok('GET', `rooms/${room}/event/${before}`)
    await bob.ok('GET', `rooms/${room}/context/${before}`)
    await bob.refused('M_NOT_FOUND', 'GET', `rooms/${room}/event/${after}`)
    const { membership } = await bob.ok<{ membership: string }>('GET', `rooms/${room}/state/m.room.member/${bob.id}`)
    assert.equal(membership, 'leave')
  }
  await seesAsBefore()
  await alice.ok('POST', `rooms/${room}/invite`, { user_id: bob.id })
  await seesAsBefore()
  await bob.ok('POST', `rooms/${room}/leave`)
  await seesAsBefore()
  await alice.ok('POST', `rooms/${room}/ban`, { user_id: bob.id })
  await alice.ok('POST', `rooms/${room}/unban`, { user_id: bob.id })
  await seesAsBefore()
})

const VISIBILITIES = {
  world_readable: { without: true, before: true, invited: true },
  shared: { without: false, before: true, invited: true },
  invited: { without: false, before: false, invited: true },
  joined: { without: false, before: false, invited: false },
}

for (const [visibility, expected] of Object.entries(VISIBILITIES)) {
  test(`history that is ${visibility} is shown to whom it is for`, async () => {
    await using hs = await roomServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    const room = await alice.createRoom()
    await alice.setState(room, 'm.room.history_visibility', { history_visibility: visibility })
    const [before] = await say(alice, room, 'before')
    assert.equal((await bob.call('GET', `rooms/${room}/event/${before}`)).status === 200, expected.without)
    assert.equal((await bob.call('GET', `rooms/${room}/messages?dir=b`)).status === 200, expected.without)
    assert.equal((await bob.call('GET', `rooms/${room}/state`)).status === 200, expected.without)
    await alice.ok('POST', `rooms/${room}/invite`, { user_id: bob.id })
    await say(alice, room, 'invited')
    await bob.join(room)
    const seen = bodies(await messages(bob, room, { dir: 'b', limit: '100' }))
    assert.deepEqual([seen.includes('before'), seen.includes('invited')], [expected.before, expected.invited])
  })
}

test('an event comes with those around it', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat', name: 'Context' })
  await bob.join(room)
  const sent = await say(alice, room, 'one', 'two', 'three', 'four', 'five')
  const filter = encodeURIComponent('{"lazy_load_members":true}')
  const context = await alice.ok<Record<string, Event[]> & { event: Event; start: string; end: string }>(
    'GET',
    `rooms/${room}/context/${sent[2]}?limit=2&filter=${filter}`,
  )
  assert.deepEqual([context.event.event_id, context.event.room_id], [sent[2], room])
  assert.deepEqual(
    [context['events_before'], context['events_after']].map((events) => events?.map(({ content }) => content['body'])),
    [['two'], ['four']],
  )
  const members = context['state']?.filter(({ type }) => type === 'm.room.member').map((event) => event.state_key)
  assert.deepEqual(members, [alice.id])
  assert.ok(context['state']?.some(({ type }) => type === 'm.room.name'))
  assert.deepEqual(bodies(await messages(alice, room, { dir: 'b', limit: '1', from: context.start })), ['one'])
  assert.deepEqual(bodies(await messages(alice, room, { dir: 'f', limit: '1', from: context.end })), ['five'])
  const alone = await alice.ok<Record<string, Event[]>>('GET', `rooms/${room}/context/${sent[2]}?limit=0`)
  assert.deepEqual([alone['events_before'], alone['events_after']], [[], []])
})

test('state and members, whole and in part', async () => {
  await using hs = await roomServer()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  const room = await alice.createRoom({ preset: 'public_chat', invite: [carol.id] })
  const { start } = await messages(alice, room, { dir: 'b' })
  await bob.join(room)
  const path = `rooms/${room}/state/m.room.member/${bob.id}`
  assert.deepEqual(await alice.ok('GET', path), { membership: 'join', displayname: 'bob' })
  const event: Reply = await alice.ok('GET', `${path}?format=event`)
  assert.deepEqual([event['sender'], event['room_id'], event['state_key']], [bob.id, room, bob.id])
  await alice.refused('M_NOT_FOUND', 'GET', `rooms/${room}/state/m.room.topic`)
  const members = async (query: string) =>
    (await alice.ok<{ chunk: Event[] }>('GET', `rooms/${room}/members${query}`)).chunk.map((one) => one.state_key).toSorted()
  assert.deepEqual(await members(''), [alice.id, bob.id, carol.id])
  assert.deepEqual(await members('?membership=join'), [alice.id, bob.id])
  assert.deepEqual(await members('?not_membership=join'), [carol.id])
  assert.deepEqual(await members('?membership=join&not_membership=ban'), [alice.id, bob.id, carol.id])
  assert.deepEqual(await members(`?at=${start}`), [alice.id, carol.id])
})

test('an event is found by its time', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const times: number[] = []
  const sent: string[] = []
  for (const text of ['one', 'two', 'three', 'four']) {
    hs.clock.later(60_000)
    times.push(hs.clock.now())
    sent.push(await alice.send(room, text))
  }
  const near = (ts: number, dir: string) => `/_matrix/client/v1/rooms/${room}/timestamp_to_event?ts=${ts}&dir=${dir}`
  const found = async (ts: number, dir: string) => (await alice.ok('GET', near(ts, dir)))['event_id']
  const [, second = 0] = times
  assert.equal(await found(second, 'f'), sent[1])
  assert.equal(await found(second, 'b'), sent[1])
  assert.equal(await found(second + 1, 'f'), sent[2])
  assert.equal(await found(second + 1, 'b'), sent[1])
  assert.deepEqual(await alice.ok('GET', near(second - 5, 'f')), { event_id: sent[1], origin_server_ts: second })
  await alice.refused('M_NOT_FOUND', 'GET', near(hs.clock.now() + 1, 'f'))
  await alice.refused('M_NOT_FOUND', 'GET', near(5, 'b'))
})

test('where history ends with a gap, other servers fill it in', async () => {
  const asked: number[] = []
  const answers = [true, true, false]
  const backfill = async (_room: unknown, limit: number) => {
    asked.push(limit)
    return answers.shift() ?? false
  }
  await using hs = await roomServer({ remote: { backfill } })
  const alice = await hs.user('alice')
  const roomId = await alice.createRoom()
  const everything = await messages(alice, roomId, { dir: 'b', limit: '100' })
  assert.deepEqual(asked, [])
  const room = await hs.storage.rooms.find(roomId as never)
  const { db, timelines } = hs.storage
  await db.write((batch) => timelines.addMissing(batch, room?.nid ?? 0, new Uint8Array(32), 1))
  await messages(alice, roomId, { dir: 'b', limit: '3' })
  assert.deepEqual(asked, [])
  assert.deepEqual((await messages(alice, roomId, { dir: 'b', limit: '100' })).chunk, everything.chunk)
  const behind = { dir: 'b', limit: '7', from: everything.end ?? '' }
  const hidden = await messages(alice, roomId, behind)
  assert.deepEqual([hidden.chunk, hidden.end === undefined], [[], false])
  const over = await messages(alice, roomId, behind)
  assert.deepEqual([over.chunk, over.end], [[], undefined])
  assert.deepEqual(asked, [100, 7, 7])
})
