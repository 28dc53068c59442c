import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts'
import { knownRoomVersions } from '../../../src/protocol/room-versions.ts'
import { roomServer } from '../../support/room-server.ts'
import { stateOf, timelineOf } from '../../support/rooms.ts'

test('a room starts with the events that the specification lists, in their order', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({
    preset: 'public_chat',
    room_alias_name: 'thepub',
    name: 'The Grand Duke Pub',
    topic: 'All about happy hour',
    initial_state: [{ type: 'org.example.beer', content: { kind: 'stout' } }],
    invite: [bob.id],
  })
  assert.deepEqual(
    (await timelineOf(hs, room)).map(({ type, stateKey }) => [type, stateKey]),
    [
      ['m.room.create', ''],
      ['m.room.member', alice.id],
      ['m.room.power_levels', ''],
      ['m.room.canonical_alias', ''],
      ['m.room.join_rules', ''],
      ['m.room.history_visibility', ''],
      ['m.room.guest_access', ''],
      ['org.example.beer', ''],
      ['m.room.name', ''],
      ['m.room.topic', ''],
      ['m.room.member', bob.id],
    ],
  )
  assert.equal((await stateOf(hs, room, 'm.room.topic'))['topic'], 'All about happy hour')
  assert.equal((await stateOf(hs, room, 'm.room.member', bob.id))['membership'], 'invite')
})

test('a room of every version can be made and talked in', async (t) => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  for (const version of knownRoomVersions) {
    await t.test(`version ${version}`, async () => {
      const room = await alice.createRoom({ room_version: version, name: 'Home' })
      assert.equal((await stateOf(hs, room, 'm.room.create'))['room_version'], version)
      const eventId = await alice.send(room, 'hello')
      assert.equal((await timelineOf(hs, room)).at(-1)?.eventId, eventId)
    })
  }
})

test('the versions differ in who the creators are and where they are named', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const trusted = { preset: 'trusted_private_chat', invite: [bob.id] }
  const old = await alice.createRoom({ ...trusted, room_version: '10' })
  assert.equal((await stateOf(hs, old, 'm.room.create'))['creator'], alice.id)
  const levels = await stateOf(hs, old, 'm.room.power_levels')
  assert.deepEqual(levels['users'], { [alice.id]: 100, [bob.id]: 100 })
  const creation = {
    additional_creators: ['@carol:elsewhere.test', alice.id],
    room_version: '1',
    creator: bob.id,
    'm.federate': false,
  }
  const room = await alice.createRoom({ ...trusted, creation_content: creation })
  assert.deepEqual(await stateOf(hs, room, 'm.room.create'), {
    room_version: '12',
    'm.federate': false,
    additional_creators: ['@carol:elsewhere.test', bob.id],
  })
  const { users, events, state_default: stateDefault } = await stateOf(hs, room, 'm.room.power_levels')
  assert.deepEqual(users, {})
  assert.ok(isJsonObject(events) && Number(events['m.room.tombstone']) > Number(stateDefault))
})

test('two rooms made in the same millisecond are two', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const [first, second] = await Promise.all([alice.createRoom(), alice.createRoom()])
  assert.notEqual(first, second)
})

test('initial state goes before the preset, and name and topic before initial state', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom({
    visibility: 'public',
    name: 'Last word',
    initial_state: [
      { type: 'm.room.join_rules', content: { join_rule: 'invite' } },
      { type: 'm.room.name', content: { name: 'First word' } },
    ],
  })
  assert.equal((await stateOf(hs, room, 'm.room.join_rules'))['join_rule'], 'invite')
  assert.equal((await stateOf(hs, room, 'm.room.name'))['name'], 'Last word')
  assert.equal((await stateOf(hs, room, 'm.room.guest_access'))['guest_access'], 'forbidden')
  assert.equal((await timelineOf(hs, room)).filter(({ type }) => type === 'm.room.join_rules').length, 1)
})

test('what cannot be is refused, and nothing is left of it', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const wrong: [string, JsonObject][] = [
    ['M_UNSUPPORTED_ROOM_VERSION', { room_version: 'agjkyhdsghkjackljkj' }],
    ['M_BAD_JSON', { room_version: 1 }],
    ['M_BAD_JSON', { creation_content: { additional_creators: 'bob' } }],
    ['M_INVALID_PARAM', { room_alias_name: 'with:colon' }],
    ['M_INVALID_ROOM_STATE', { power_level_content_override: { users: { [alice.id]: 5 } } }],
    ['M_INVALID_ROOM_STATE', { room_version: '11', power_level_content_override: { users: {} }, name: 'Too low' }],
    ['M_INVALID_ROOM_STATE', { room_alias_name: 'mine', invite: [alice.id] }],
    ['M_TOO_LARGE', { name: 'x'.repeat(70_000) }],
  ]
  for (const [errcode, request] of wrong) await alice.refused(errcode, 'POST', 'createRoom', request)
  await alice.refused('M_BAD_JSON', 'POST', 'createRoom', '{"initial_state":[{"type":"a","content":{"n":1.0}}]}')
  assert.deepEqual(await alice.ok('GET', 'joined_rooms'), { joined_rooms: [] })
  await alice.createRoom({ room_alias_name: 'mine' })
  await alice.refused('M_ROOM_IN_USE', 'POST', 'createRoom', { room_alias_name: 'mine' })
  await alice.createRoom({ room_version: '5', initial_state: [{ type: 'org.example.odd', content: { n: 1.5 } }] })
})

test('a user who wants no invites gets none', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const userNid = (await hs.storage.names.find(bob.id)) ?? 0
  const { accountData, db } = hs.storage
  await db.write((batch) => accountData.set(batch, userNid, 0, 'm.invite_permission_config', '{"default_action":"block"}'))
  await alice.refused('M_INVITE_BLOCKED', 'POST', 'createRoom', { invite: [bob.id] })
  const room = await alice.createRoom()
  await alice.refused('M_INVITE_BLOCKED', 'POST', `rooms/${room}/invite`, { user_id: bob.id })
})
