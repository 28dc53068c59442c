/** What a scripted server may do to rooms and users of ours, and what not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonObject, type Json, type JsonObject } from '../../schemas/json.ts'
import { eventIdOf } from '../../src/protocol/event-id.ts'
import { roomRules } from '../../src/protocol/room-versions.ts'
import { signEvent } from '../../src/protocol/signing.ts'
import { newSigningKey } from '../support/remote-server.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import { logIn, type TestUser } from '../support/user.ts'
import { besideRemote } from './support.ts'

const BOB = '@bob:remote.test'
const rules = roomRules('10') ?? assert.fail()

async function setUp(options: JsonObject = {}) {
  const hs = await besideRemote()
  const alice = await logIn(hs.ours, 'alice')
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '10', ...options })
  const room = encodeURIComponent(roomId)
  const sign = (event: JsonObject, key = hs.remote.signingKey) => {
    const pdu = signEvent({ ...event, origin_server_ts: 5 }, rules, hs.remote.name, key)
    return { pdu, eventId: eventIdOf(pdu, rules) }
  }
  const make = async (what: string, user = BOB) => objectOf((await hs.call('GET', `v1/make_${what}/${room}/${user}?ver=10`)).body)
  const template = async (what: string) => objectOf((await make(what))['event'])
  const put = (what: string, { pdu, eventId }: { pdu: JsonObject; eventId: string }) =>
    hs.call('PUT', `v2/send_${what}/${room}/${encodeURIComponent(eventId)}`, pdu)
  const join = async () => objectOf((await put('join', sign(await template('join')))).body)
  return { ...hs, alice, roomId, room, sign, template, put, join }
}

function objectOf(value: Json | undefined): JsonObject {
  assert.ok(isJsonObject(value), JSON.stringify(value))
  return value
}

const memberships = async (user: TestUser, room: string) =>
  Object.keys(objectOf((await user.ok('GET', `rooms/${room}/joined_members`))['joined'])).sort()

test('a user of another server joins, and gets the state and its auth chain', async () => {
  await using hs = await setUp()
  const { state, auth_chain: chain, event } = await hs.join()
  assert.ok(Array.isArray(state) && Array.isArray(chain))
  const types = new Set(state.map((pdu) => objectOf(pdu)['type']))
  for (const type of ['m.room.create', 'm.room.power_levels', 'm.room.join_rules', 'm.room.member']) assert.ok(types.has(type))
  assert.equal(event, undefined)
  assert.deepEqual(await memberships(hs.alice, hs.room), [hs.alice.id, BOB].sort())
})

test('the auth chain has the state in it too, but where members may be omitted', async () => {
  const typesOf = (pdus: Json | undefined) =>
    (Array.isArray(pdus) ? pdus : assert.fail()).map((pdu) => String(objectOf(pdu)['type'])).sort()
  await using hs = await setUp()
  const { auth_chain: chain } = await hs.join()
  const authorising = ['m.room.create', 'm.room.join_rules', 'm.room.member', 'm.room.power_levels']
  assert.deepEqual(typesOf(chain), authorising)
  const { pdu, eventId } = hs.sign(await hs.template('join'))
  const again = await hs.call('PUT', `v2/send_join/${hs.room}/${encodeURIComponent(eventId)}?omit_members=true`, pdu)
  assert.deepEqual(typesOf(objectOf(again.body)['auth_chain']), [])
})

test('omit_members leaves members out, and says which servers there are', async () => {
  await using hs = await setUp({ name: 'named' })
  const { pdu, eventId } = hs.sign(await hs.template('join'))
  const path = `v2/send_join/${hs.room}/${encodeURIComponent(eventId)}?omit_members=true`
  const answer = objectOf((await hs.call('PUT', path, pdu)).body)
  assert.equal(answer['members_omitted'], true)
  assert.deepEqual(answer['servers_in_room'], ['test.example', 'remote.test'])
  assert.ok(Array.isArray(answer['state']))
  assert.ok(!answer['state'].some((event) => objectOf(event)['type'] === 'm.room.member'))
})

test('templates are given for own users and known versions only', async () => {
  await using hs = await setUp()
  await hs.refused(403, 'M_FORBIDDEN', 'GET', `v1/make_join/${hs.room}/${hs.alice.id}?ver=10`)
  await hs.refused(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'GET', `v1/make_join/${hs.room}/${BOB}?ver=9&ver=11`)
  await hs.refused(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'GET', `v1/make_join/${hs.room}/${BOB}`)
  await hs.refused(404, 'M_NOT_FOUND', 'GET', `v1/make_join/!nowhere:test.example/${BOB}?ver=10`)
  await hs.refused(403, 'M_FORBIDDEN', 'GET', `v1/make_leave/${hs.room}/${BOB}`)
  await hs.refused(403, 'M_FORBIDDEN', 'GET', `v1/make_knock/${hs.room}/${BOB}?ver=10`)
})

for (const [name, status, change] of [
  ['of another user', 403, { sender: '@eve:other.test', state_key: '@eve:other.test' }],
  ['for another user', 400, { state_key: '@eve:remote.test' }],
  ['that is no join', 400, { content: { membership: 'invite' } }],
  ['of another type', 400, { type: 'm.room.topic' }],
  ['of another room', 400, { room_id: '!other:test.example' }],
  ['with numbers that are not canonical', 400, { content: { membership: 'join', n: 1.5 } }],
] satisfies [string, number, JsonObject][]) {
  test(`a join ${name} is refused`, async () => {
    await using hs = await setUp()
    const event = { ...(await hs.template('join')), ...change }
    const signed = name.includes('canonical')
      ? { pdu: { ...event, hashes: { sha256: '' }, signatures: {} }, eventId: '$x' }
      : hs.sign(event)
    assert.equal((await hs.put('join', signed)).status, status)
    assert.deepEqual(await memberships(hs.alice, hs.room), [hs.alice.id])
  })
}

test('a join with a wrong signature is refused', async () => {
  await using hs = await setUp()
  const signed = hs.sign(await hs.template('join'), newSigningKey('a_test'))
  assert.equal((await hs.put('join', signed)).status, 403)
  assert.equal((await hs.put('join', { ...signed, pdu: await hs.template('join') })).status, 403)
})

test('the past of a room is for servers that are in it', async () => {
  await using hs = await setUp()
  const eventId = encodeURIComponent(await hs.alice.send(hs.roomId, 'before'))
  const paths = [`state/${hs.room}?event_id=${eventId}`, `state_ids/${hs.room}?event_id=${eventId}`]
  paths.push(`event_auth/${hs.room}/${eventId}`, `backfill/${hs.room}?v=${eventId}&limit=10`)
  for (const path of paths) await hs.refused(403, 'M_FORBIDDEN', 'GET', `v1/${path}`)
  await hs.join()
  for (const path of paths) assert.equal((await hs.call('GET', `v1/${path}`)).status, 200, path)
  const other = encodeURIComponent(await hs.alice.createRoom({ preset: 'public_chat' }))
  await hs.refused(403, 'M_FORBIDDEN', 'GET', `v1/state/${other}?event_id=${eventId}`)
})

test('of a room whose history is for members, what was before is told redacted', async () => {
  const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }
  await using hs = await setUp({ initial_state: [visibility] })
  const before = await hs.alice.send(hs.roomId, 'before')
  await hs.join()
  const after = await hs.alice.send(hs.roomId, 'after')
  const body = async (eventId: string) => {
    const { pdus } = objectOf((await hs.call('GET', `v1/event/${encodeURIComponent(eventId)}`)).body)
    return objectOf(objectOf(Array.isArray(pdus) ? pdus[0] : undefined)['content'])['body']
  }
  assert.equal(await body(before), undefined)
  assert.equal(await body(after), 'after')
})

test('backfill and missing events go back from what is asked for', async () => {
  await using hs = await setUp()
  await hs.join()
  const ids: string[] = []
  for (const text of ['1', '2', '3', '4']) ids.push(await hs.alice.send(hs.roomId, text))
  const [first = '', , , last = ''] = ids
  const idsOf = (events: Json | undefined) =>
    Array.isArray(events) ? events.map((pdu) => eventIdOf(objectOf(pdu), rules)) : assert.fail()
  const { pdus } = objectOf((await hs.call('GET', `v1/backfill/${hs.room}?v=${encodeURIComponent(last)}&limit=3`)).body)
  assert.deepEqual(idsOf(pdus), [ids[3], ids[2], ids[1]])
  const missing = { earliest_events: [first], latest_events: [last], limit: 10 }
  const { events } = objectOf((await hs.call('POST', `v1/get_missing_events/${hs.room}`, missing)).body)
  assert.deepEqual(idsOf(events), [ids[1], ids[2]])
})

test('a member leaves', async () => {
  await using hs = await setUp()
  await hs.join()
  assert.equal((await hs.put('leave', hs.sign(await hs.template('leave')))).status, 200)
  assert.deepEqual(await memberships(hs.alice, hs.room), [hs.alice.id])
})

test('a denied server gets nothing of a room', async () => {
  await using hs = await setUp()
  await hs.alice.setState(hs.roomId, 'm.room.server_acl', { allow: ['*'], deny: ['remote.test'] })
  for (const path of [`make_join/${hs.room}/${BOB}?ver=10`, `make_leave/${hs.room}/${BOB}`, `backfill/${hs.room}?v=$x&limit=1`])
    await hs.refused(403, 'M_FORBIDDEN', 'GET', `v1/${path}`)
})

test('an invite is signed, and seen by the user; what is no proper invite is refused', async () => {
  await using hs = await besideRemote()
  const alice = await logIn(hs.ours, 'alice')
  const room = new RemoteRoom(hs.remote, '12')
  const invite = room.add('m.room.member', { membership: 'invite' }, { stateKey: alice.id })
  const state = [...room.state.values()].filter(({ type }) => type !== 'm.room.member').map(({ pdu }) => pdu)
  const path = `v2/invite/${encodeURIComponent(room.roomId)}/${encodeURIComponent(invite.eventId)}`
  const body = { room_version: '12', event: invite.pdu, invite_room_state: state }
  await hs.refused(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'PUT', path, { ...body, room_version: '99' })
  await hs.refused(400, 'M_INVALID_PARAM', 'PUT', path, { ...body, invite_room_state: [] })
  await hs.refused(400, 'M_INVALID_PARAM', 'PUT', path, { ...body, invite_room_state: [{ type: 'm.room.create' }] })
  await hs.refused(403, 'M_FORBIDDEN', 'PUT', path, { ...body, event: { ...invite.pdu, signatures: {} } })
  const { event } = objectOf((await hs.call('PUT', path, body)).body)
  assert.deepEqual(Object.keys(objectOf(objectOf(event)['signatures'])).sort(), ['remote.test', 'test.example'])
  await alice.syncUntil(({ rooms }) => rooms.invite[room.roomId])
})

test('a user who wants no invites gets none, by the first version of the endpoint neither', async () => {
  await using hs = await besideRemote()
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('PUT', `user/${alice.id}/account_data/m.invite_permission_config`, { default_action: 'block' })
  const room = new RemoteRoom(hs.remote)
  const invite = room.add('m.room.member', { membership: 'invite' }, { stateKey: alice.id })
  const path = (eventId: string) => `invite/${encodeURIComponent(room.roomId)}/${encodeURIComponent(eventId)}`
  await hs.refused(403, 'M_INVITE_BLOCKED', 'PUT', `v2/${path(invite.eventId)}`, { room_version: '10', event: invite.pdu })
  const old = { ...invite.pdu, event_id: '$invite:remote.test', prev_events: [], auth_events: [] }
  await hs.refused(403, 'M_INVITE_BLOCKED', 'PUT', `v1/${path(old.event_id)}`, old)
  assert.deepEqual((await alice.sync()).rooms.invite, {})
})

test('an invite that comes back with what is no canonical JSON is not sent', async () => {
  await using hs = await setUp()
  hs.remote.on('PUT', /\/v2\/invite\//, ({ body }) => {
    const { event } = objectOf(JSON.parse(body))
    return { body: { event: { ...objectOf(event), more: 1.5 } } }
  })
  await hs.alice.refused(400, 'M_BAD_JSON', 'POST', `rooms/${hs.room}/invite`, { user_id: BOB })
  await hs.alice.refused(404, 'M_NOT_FOUND', 'GET', `rooms/${hs.room}/state/m.room.member/${BOB}`)
})

test('an invite can be rejected though the server that it came from is gone', async () => {
  await using hs = await besideRemote()
  const alice = await logIn(hs.ours, 'alice')
  const room = new RemoteRoom(hs.remote)
  const invite = room.add('m.room.member', { membership: 'invite' }, { stateKey: alice.id })
  const path = `v2/invite/${encodeURIComponent(room.roomId)}/${encodeURIComponent(invite.eventId)}`
  assert.equal((await hs.call('PUT', path, { room_version: '10', event: invite.pdu })).status, 200)
  await alice.syncUntil(({ rooms }) => rooms.invite[room.roomId])
  await hs.remote[Symbol.asyncDispose]()
  await alice.leave(room.roomId)
  await alice.syncUntil(({ rooms }) => rooms.leave[room.roomId])
})

test('an invite can be taken back by whoever cites it, and by nobody else', async () => {
  await using hs = await besideRemote()
  const alice = await logIn(hs.ours, 'alice')
  const room = new RemoteRoom(hs.remote)
  const invite = room.add('m.room.member', { membership: 'invite' }, { stateKey: alice.id, aside: true })
  const path = `v2/invite/${encodeURIComponent(room.roomId)}/${encodeURIComponent(invite.eventId)}`
  await hs.call('PUT', path, { room_version: '10', event: invite.pdu })
  await alice.syncUntil(({ rooms }) => rooms.invite[room.roomId])
  const guess = room.add('m.room.member', { membership: 'leave' }, { stateKey: alice.id, aside: true })
  assert.match(JSON.stringify(await hs.send([guess])), /error/)
  room.take(invite)
  const kick = room.add('m.room.member', { membership: 'leave' }, { stateKey: alice.id })
  assert.deepEqual(await hs.send([kick]), { [kick.eventId]: {} })
  await alice.syncUntil(({ rooms }) => rooms.leave[room.roomId])
})

test('a second beginning of a room is no part of it', async () => {
  await using hs = await setUp()
  await hs.join()
  const beginning = {
    type: 'm.room.create',
    state_key: '',
    sender: BOB,
    room_id: hs.roomId,
    content: { creator: BOB, room_version: '10' },
    prev_events: [],
    auth_events: [],
    depth: 1,
  }
  const { pdu, eventId } = hs.sign(beginning)
  const transaction = { origin: hs.remote.name, origin_server_ts: 1, pdus: [pdu], edus: [] }
  const { body } = await hs.call('PUT', 'v1/send/beginning', transaction)
  assert.match(JSON.stringify(objectOf(objectOf(body)['pdus'])[eventId]), /error/)
  await hs.alice.refused(404, 'M_NOT_FOUND', 'GET', `rooms/${hs.room}/event/${encodeURIComponent(eventId)}`)
  assert.deepEqual(await memberships(hs.alice, hs.room), [hs.alice.id, BOB].sort())
})
