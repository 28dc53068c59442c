import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { type Client, roomServer } from '../../support/room-server.ts'
import { stateOf, timelineOf } from '../../support/rooms.ts'

async function upgrade(client: Client, room: string, version: string, more: JsonObject = {}): Promise<string> {
  return String((await client.ok('POST', `rooms/${room}/upgrade`, { new_version: version, ...more }))['replacement_room'])
}

for (const [from, to] of [
  ['1', '2'],
  ['6', '11'],
  ['11', '12'],
  ['12', '12'],
  ['12', '10'],
] as const) {
  test(`a room of version ${from} is replaced by one of version ${to} that takes its state over`, async () => {
    await using hs = await roomServer()
    const alice = await hs.user('alice')
    const state = {
      'm.room.topic': { topic: 'Topic' },
      'm.room.name': { name: 'Name' },
      'm.room.join_rules': { join_rule: 'public' },
      'm.room.history_visibility': { history_visibility: 'joined' },
      'm.room.avatar': { url: 'mxc://ours.test/a' },
      'm.room.encryption': { algorithm: 'm.megolm.v1.aes-sha2' },
      'm.room.server_acl': { allow: ['*'], deny: ['evil.test'] },
    }
    const creation = { type: 'org.example.type', 'm.federate': false }
    const room = await alice.createRoom({ room_version: from, creation_content: creation })
    for (const [type, content] of Object.entries(state)) await alice.setState(room, type, content)
    await alice.setState(room, 'm.room.member', { membership: 'ban', reason: 'Spam' }, '@bob:ours.test')
    const next = await upgrade(alice, room, to)
    for (const [type, content] of Object.entries(state)) assert.deepEqual(await stateOf(hs, next, type), content)
    assert.deepEqual(await stateOf(hs, next, 'm.room.member', '@bob:ours.test'), { membership: 'ban', reason: 'Spam' })
    const create = await stateOf(hs, next, 'm.room.create')
    const tombstone = (await timelineOf(hs, room)).find(({ type }) => type === 'm.room.tombstone')
    assert.equal(tombstone?.content['replacement_room'], next)
    const isNamed = to !== '12'
    const predecessor = { room_id: room, ...(isNamed && { event_id: tombstone?.eventId }) }
    assert.deepEqual([create['room_version'], create['type'], create['m.federate']], [to, 'org.example.type', false])
    assert.deepEqual(create['predecessor'], predecessor)
    const levels = await stateOf(hs, room, 'm.room.power_levels')
    assert.deepEqual([levels['events_default'], levels['invite']], [50, 50])
    await alice.setState(next, 'm.room.name', { name: 'Still mine' })
  })
}

test('the levels are copied as they are, also those of a moderator who upgrades', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat', room_version: '10' })
  await bob.join(room)
  await bob.refused('M_FORBIDDEN', 'POST', `rooms/${room}/upgrade`, { new_version: '11' })
  const levels = await stateOf(hs, room, 'm.room.power_levels')
  const events = { ...Object(levels['events']), 'm.room.tombstone': 50 }
  const given = { ...levels, events, users: { [alice.id]: 500, [bob.id]: 50 }, users_default: 20 }
  await alice.setState(room, 'm.room.power_levels', { ...given, users: { [alice.id]: 100, [bob.id]: 50 } })
  const next = await upgrade(bob, room, '11')
  assert.deepEqual(await stateOf(hs, next, 'm.room.power_levels'), { ...given, users: { [alice.id]: 100, [bob.id]: 50 } })
  assert.equal((await timelineOf(hs, next)).filter(({ type }) => type === 'm.room.power_levels').length, 2)
  // Bob could not keep others from talking there.
  assert.equal((await stateOf(hs, room, 'm.room.power_levels'))['events_default'], 0)
})

test('creators of a new room are those of the request, and not in its levels', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ room_version: '11', preset: 'trusted_private_chat', invite: [bob.id] })
  const next = await upgrade(alice, room, '12', { additional_creators: [bob.id] })
  assert.deepEqual((await stateOf(hs, next, 'm.room.create'))['additional_creators'], [bob.id])
  const levels = await stateOf(hs, next, 'm.room.power_levels')
  assert.deepEqual(levels['users'], {})
  assert.equal(Object(levels['events'])['m.room.tombstone'], 100)
})

test('aliases, the public list and what users have set move along', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ visibility: 'public', room_alias_name: 'pub' })
  await bob.join(room)
  const userNid = (await hs.storage.names.find(bob.id)) ?? 0
  const owner = { userId: bob.id as never, userNid }
  const { db, accountData, rooms } = hs.storage
  const oldNid = (await rooms.find(room as never))?.nid ?? 0
  await db.write((batch) => {
    accountData.set(batch, userNid, oldNid, 'm.tag', '{"tags":{"m.favourite":{}}}')
    accountData.set(batch, userNid, 0, 'm.direct', JSON.stringify({ [alice.id]: [room] }))
  })
  await hs.pushRules.put(owner, 'room', room, { actions: ['notify'] }, {})
  const next = await upgrade(alice, room, '12')
  assert.equal((await bob.ok('GET', `directory/room/${encodeURIComponent('#pub:ours.test')}`))['room_id'], next)
  assert.deepEqual(await stateOf(hs, room, 'm.room.canonical_alias'), {})
  assert.deepEqual(await stateOf(hs, next, 'm.room.canonical_alias'), { alias: '#pub:ours.test' })
  assert.deepEqual(await bob.ok('GET', `directory/list/room/${room}`), { visibility: 'private' })
  assert.deepEqual(await bob.ok('GET', `directory/list/room/${next}`), { visibility: 'public' })
  await bob.join(next)
  const nextNid = (await rooms.find(next as never))?.nid ?? 0
  assert.equal((await accountData.get(userNid, nextNid, 'm.tag'))?.content, '{"tags":{"m.favourite":{}}}')
  const direct = await accountData.get(userNid, 0, 'm.direct')
  assert.deepEqual(JSON.parse(direct?.content ?? ''), { [alice.id]: [room, next] })
  assert.deepEqual((await hs.pushRules.rule(owner, 'room', next)).actions, ['notify'])
})

test('what cannot be replaced is left as it is', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  await alice.refused('M_UNSUPPORTED_ROOM_VERSION', 'POST', `rooms/${room}/upgrade`, { new_version: 'bad' })
  await alice.refused('M_NOT_FOUND', 'POST', 'rooms/!fail:unknown/upgrade', { new_version: '12' })
  assert.equal((await alice.call('PUT', `rooms/${room}/send/m.room.tombstone/1`, { replacement_room: room })).status, 400)
  assert.equal((await alice.call('PUT', `rooms/${room}/state/m.room.tombstone`, { replacement_room: room })).status, 400)
})
