import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonObject } from '../../../schemas/json.ts'
import { roomServer } from '../../support/room-server.ts'
import { stateOf, timelineOf } from '../../support/rooms.ts'

test('an invited user joins, leaves and may not come back', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'private_chat' })
  await bob.refused('M_FORBIDDEN', 'POST', `rooms/${room}/join`, {})
  await alice.ok('POST', `rooms/${room}/invite`, { user_id: bob.id, reason: 'Come in' })
  assert.deepEqual(await stateOf(hs, room, 'm.room.member', bob.id), {
    membership: 'invite',
    displayname: 'bob',
    reason: 'Come in',
  })
  assert.deepEqual(await bob.ok('POST', `join/${room}`, {}), { room_id: room })
  await alice.refused('M_FORBIDDEN', 'POST', `rooms/${room}/invite`, { user_id: bob.id })
  await bob.ok('POST', `rooms/${room}/leave`, { reason: 'Bye' })
  assert.deepEqual(await stateOf(hs, room, 'm.room.member', bob.id), { membership: 'leave', reason: 'Bye' })
  await bob.refused('M_FORBIDDEN', 'POST', `rooms/${room}/join`, {})
  await bob.refused('M_FORBIDDEN', 'POST', `rooms/${room}/leave`, {})
})

test('joining twice makes one event, and what the body holds goes into it', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  await bob.ok('PUT', `profile/${bob.id}/displayname`, { displayname: 'Bob' })
  const room = await alice.createRoom({ preset: 'public_chat', room_alias_name: 'pub' })
  await bob.ok('POST', `join/${encodeURIComponent('#pub:ours.test')}`, { foo: 'bar' })
  await bob.join(room)
  assert.deepEqual(await stateOf(hs, room, 'm.room.member', bob.id), { membership: 'join', displayname: 'Bob', foo: 'bar' })
  assert.equal((await timelineOf(hs, room)).filter(({ stateKey }) => stateKey === bob.id).length, 1)
})

test('a kicked user may come back, a banned one only when the ban is lifted', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  const target = { user_id: bob.id }
  await alice.refused('M_FORBIDDEN', 'POST', `rooms/${room}/kick`, target)
  await bob.join(room)
  await bob.refused('M_FORBIDDEN', 'POST', `rooms/${room}/kick`, { user_id: alice.id })
  await alice.ok('POST', `rooms/${room}/kick`, { ...target, reason: 'Testing' })
  assert.deepEqual(await stateOf(hs, room, 'm.room.member', bob.id), { membership: 'leave', reason: 'Testing' })
  await bob.join(room)
  await alice.refused('M_FORBIDDEN', 'POST', `rooms/${room}/unban`, target)
  await alice.ok('POST', `rooms/${room}/ban`, target)
  await bob.refused('M_FORBIDDEN', 'POST', `join/${room}`, {})
  await alice.refused('M_FORBIDDEN', 'POST', `rooms/${room}/invite`, target)
  await alice.refused('M_FORBIDDEN', 'POST', `rooms/${room}/kick`, target)
  await alice.ok('POST', `rooms/${room}/unban`, target)
  await bob.join(room)
})

test('a knock is answered by an invite', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const knocking = { type: 'm.room.join_rules', content: { join_rule: 'knock' } }
  const room = await alice.createRoom({ preset: 'private_chat', initial_state: [knocking] })
  assert.deepEqual(await bob.ok('POST', `knock/${room}`, { reason: 'Please' }), { room_id: room })
  assert.deepEqual(await stateOf(hs, room, 'm.room.member', bob.id), {
    membership: 'knock',
    displayname: 'bob',
    reason: 'Please',
  })
  await bob.refused('M_FORBIDDEN', 'POST', `join/${room}`, {})
  await alice.ok('POST', `rooms/${room}/invite`, { user_id: bob.id })
  await bob.refused('M_FORBIDDEN', 'POST', `knock/${room}`, {})
  await bob.join(room)
})

test('membership set by hand follows the same rules', async () => {
  await using hs = await roomServer()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.setState(room, 'm.room.member', { membership: 'join', displayname: 'Overridden' }, bob.id)
  assert.deepEqual(await stateOf(hs, room, 'm.room.member', bob.id), { membership: 'join', displayname: 'Overridden' })
  await bob.refused('M_FORBIDDEN', 'PUT', `rooms/${room}/state/m.room.member/${carol.id}`, { membership: 'join' })
  await bob.refused('M_BAD_JSON', 'PUT', `rooms/${room}/state/m.room.member/${carol.id}`, { membership: 'dreaming' })
  await alice.setState(room, 'm.room.member', { membership: 'ban' }, carol.id)
  await alice.setState(room, 'm.room.member', { membership: 'leave' }, carol.id)
  assert.equal((await stateOf(hs, room, 'm.room.member', carol.id))['membership'], 'leave')
})

test('a restricted room lets the members of another room in, vouched for by one who may invite', async () => {
  await using hs = await roomServer()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  const lobby = await alice.createRoom({ preset: 'public_chat' })
  const allow = [{ type: 'm.room_membership', room_id: lobby }]
  const rule = { type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } }
  const room = await alice.createRoom({ preset: 'private_chat', initial_state: [rule] })
  await bob.join(lobby)
  await bob.join(room)
  const member = await stateOf(hs, room, 'm.room.member', bob.id)
  assert.equal(member['join_authorised_via_users_server'], alice.id)
  await carol.refused('M_FORBIDDEN', 'POST', `join/${room}`, { join_authorised_via_users_server: alice.id })
})

test('a room that was left can be forgotten, another not', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const message = await alice.send(room, 'to be forgotten')
  await alice.refused('M_UNKNOWN', 'POST', `rooms/${room}/forget`)
  await alice.ok('POST', `rooms/${room}/leave`)
  await alice.ok('GET', `rooms/${room}/state`)
  await alice.ok('GET', `rooms/${room}/event/${message}`)
  await alice.ok('POST', `rooms/${room}/forget`)
  await alice.refused('M_FORBIDDEN', 'GET', `rooms/${room}/state`)
  await alice.refused('M_NOT_FOUND', 'GET', `rooms/${room}/event/${message}`)
})

test('guests get into rooms that are open to them, and out when they no longer are', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const guest = await hs.user('guest', 'guest')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await guest.refused('M_GUEST_ACCESS_FORBIDDEN', 'POST', `join/${room}`, {})
  await alice.setState(room, 'm.room.guest_access', { guest_access: 'can_join' })
  await guest.join(room)
  await guest.send(room, 'hello')
  await alice.setState(room, 'm.room.guest_access', { guest_access: 'forbidden' })
  assert.equal((await stateOf(hs, room, 'm.room.member', guest.id))['membership'], 'leave')
})

test('a changed profile is shown in all rooms of the user', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const rooms = [await alice.createRoom(), await alice.createRoom({ invite: [bob.id] })]
  await alice.ok('PUT', `profile/${alice.id}/displayname`, { displayname: 'Alice' })
  await bob.ok('PUT', `profile/${bob.id}/displayname`, { displayname: 'Bob' })
  for (const room of rooms)
    assert.deepEqual(await stateOf(hs, room, 'm.room.member', alice.id), { membership: 'join', displayname: 'Alice' })
  const members = await alice.ok('GET', `rooms/${rooms[0]}/joined_members`)
  assert.deepEqual(members, { joined: { [alice.id]: { display_name: 'Alice', avatar_url: null } } })
})

test('a closed account is out of all rooms', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const joined = await alice.createRoom({ preset: 'public_chat' })
  const invited = await alice.createRoom({ invite: [bob.id] })
  await bob.join(joined)
  await hs.rooms.deactivation.leaveAll(bob.id as never)
  for (const room of [joined, invited]) assert.equal((await stateOf(hs, room, 'm.room.member', bob.id))['membership'], 'leave')
  assert.ok(isJsonObject(await bob.ok('GET', 'joined_rooms')))
  assert.deepEqual(await bob.ok('GET', 'joined_rooms'), { joined_rooms: [] })
})
