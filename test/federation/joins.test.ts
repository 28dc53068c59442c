/** Joining rooms of a scripted server, and receiving its events. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import { logIn } from '../support/user.ts'
import { besideRemote } from './support.ts'

const join = (room: RemoteRoom) => `join/${encodeURIComponent(room.roomId)}?server_name=remote.test`

async function joined(version = '10') {
  const hs = await besideRemote()
  const room = new RemoteRoom(hs.remote, version)
  room.serveJoins()
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('POST', join(room), {})
  return { ...hs, room, alice }
}

test('one bad event in the answer does not keep a user out', async () => {
  await using hs = await besideRemote()
  const room = new RemoteRoom(hs.remote)
  const mallory = '@mallory:remote.test' as UserId
  room.join(mallory)
  room.serveJoins(({ state, ...rest }) => ({
    ...rest,
    state: (state as JsonObject[]).map((pdu) =>
      pdu['sender'] === mallory ? { ...pdu, signatures: { 'remote.test': {} } } : pdu,
    ),
  }))
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('POST', join(room), {})
  const { joined: members } = await alice.ok('GET', `rooms/${encodeURIComponent(room.roomId)}/joined_members`)
  assert.deepEqual(Object.keys(members ?? {}).sort(), [room.admin, alice.id].sort())
})

for (const [name, change] of Object.entries({
  'no create event': ({ state, ...rest }: JsonObject) => ({ ...rest, state: without(state, 'm.room.create') }),
  'no join rules': ({ state }: JsonObject) => ({ auth_chain: state ?? [], state: without(state, 'm.room.join_rules') }),
  'no state': () => ({ state: [], auth_chain: [] }),
})) {
  test(`an answer with ${name} is no way into a room`, async () => {
    await using hs = await besideRemote()
    const room = new RemoteRoom(hs.remote)
    room.serveJoins(change)
    const alice = await logIn(hs.ours, 'alice')
    await alice.refused(502, 'M_UNKNOWN', 'POST', join(room), {})
  })
}

test('a room version that the other server finds wanting is named to the client', async () => {
  await using hs = await besideRemote()
  const room = new RemoteRoom(hs.remote)
  hs.remote.on('GET', /make_join/, () => ({
    status: 400,
    body: { errcode: 'M_INCOMPATIBLE_ROOM_VERSION', error: 'too new', room_version: '99' },
  }))
  const alice = await logIn(hs.ours, 'alice')
  const { room_version: version } = await alice.refused(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'POST', join(room), {})
  assert.equal(version, '99')
})

test('where send_join v2 is not known, v1 is used', async () => {
  await using hs = await besideRemote()
  const room = new RemoteRoom(hs.remote)
  room.serveJoins()
  hs.remote.on('PUT', /v2\/send_join/, () => ({ status: 404, body: { errcode: 'M_UNRECOGNIZED', error: '' } }))
  hs.remote.on('PUT', /v1\/send_join/, () => {
    const state = [...room.state.values()].map(({ pdu }) => pdu)
    return { body: [200, { state, auth_chain: [] }] }
  })
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('POST', join(room), {})
})

test('events that build on what was missed bring that along, in order', async () => {
  await using hs = await joined()
  const { room, alice } = hs
  const missed = [room.say('one'), room.say('two')]
  const last = room.say('three')
  room.serveMissing(missed)
  assert.deepEqual(await hs.send([last]), { [last.eventId]: {} })
  assert.deepEqual(await alice.messages(room.roomId), ['one', 'two', 'three'])
})

test('messages from before the join can be read though the server tells no state for them', async () => {
  await using hs = await besideRemote()
  const room = new RemoteRoom(hs.remote)
  const messages = ['one', 'two', 'three'].map((body) => room.say(body))
  room.serveJoins()
  hs.remote.on('GET', /v1\/backfill/, () => ({
    body: { origin: 'remote.test', origin_server_ts: 1, pdus: messages.map(({ pdu }) => pdu).toReversed() },
  }))
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('POST', join(room), {})
  assert.deepEqual(await alice.messages(room.roomId), ['one', 'two', 'three'])
})

test('behind a gap that is too large the state is asked for', async () => {
  await using hs = await joined()
  const { room, alice } = hs
  const missed = room.add('m.room.topic', { topic: 'new' }, { stateKey: '' })
  const near = room.say('at the end of the gap')
  room.serveMissing([near])
  room.serveState()
  const last = room.say('after the gap')
  assert.deepEqual(await hs.send([last]), { [last.eventId]: {} })
  assert.ok(missed)
  const topic = await alice.ok('GET', `rooms/${encodeURIComponent(room.roomId)}/state/m.room.topic`)
  assert.equal(topic['topic'], 'new')
})

test('an event whose past nobody tells is refused and can come again', async () => {
  await using hs = await joined()
  const { room, alice } = hs
  const unknown = room.say('never sent')
  const last = room.say('sent twice')
  assert.match(JSON.stringify(await hs.send([last])), /error/)
  room.serveMissing([unknown])
  assert.deepEqual(await hs.send([last]), { [last.eventId]: {} })
  assert.deepEqual(await alice.messages(room.roomId), ['never sent', 'sent twice'])
})

test('what the rules forbid is rejected, and not told to anybody', async () => {
  await using hs = await joined()
  const { room, alice } = hs
  const stranger = '@stranger:remote.test' as UserId
  const forbidden = room.say('not a member', { sender: stranger, aside: true })
  const fine = room.say('a member')
  const answer = await hs.send([forbidden, fine])
  assert.deepEqual(answer[forbidden.eventId], {}, 'it is kept as rejected')
  assert.deepEqual(answer[fine.eventId], {})
  assert.deepEqual(await alice.messages(room.roomId), ['a member'])
  await hs.refused(404, 'M_NOT_FOUND', 'GET', `v1/event/${encodeURIComponent(forbidden.eventId)}`)
  const stateAt = `v1/state_ids/${encodeURIComponent(room.roomId)}?event_id=${encodeURIComponent(forbidden.eventId)}`
  await hs.refused(404, 'M_NOT_FOUND', 'GET', stateAt)
})

test('a large room is joined without holding up everybody else', async () => {
  await using hs = await besideRemote()
  const room = new RemoteRoom(hs.remote)
  for (let i = 0; i < 300; i++) room.join(`@user${i}:remote.test` as UserId)
  room.serveJoins()
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('POST', join(room), {})
  const { joined: members } = await alice.ok('GET', `rooms/${encodeURIComponent(room.roomId)}/joined_members`)
  assert.equal(Object.keys(members ?? {}).length, 302)
})

function without(state: unknown, type: string): JsonObject[] {
  return (state as JsonObject[]).filter((pdu) => pdu['type'] !== type)
}
