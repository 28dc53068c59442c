/** Rooms that this server is not in, with the other servers played by the test. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, RoomId, UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { badGateway, forbidden } from '../../../src/core/errors.ts'
import { buildEvent } from '../../../src/protocol/event-builder.ts'
import type { Event } from '../../../src/protocol/event.ts'
import { roomRules } from '../../../src/protocol/room-versions.ts'
import type { RemoteMembership } from '../../../src/rooms/remote.ts'
import { roomServer } from '../../support/room-server.ts'
import { roomOf, stateOf, timelineOf } from '../../support/rooms.ts'

const ROOM = '!theirs:them.test' as RoomId
const THEM = '@them:them.test' as UserId

function member(sender: UserId, target: string, content: JsonObject): Event {
  const rules = roomRules('11')
  assert.ok(rules)
  const cited = `$${'A'.repeat(43)}` as EventId
  return buildEvent(
    {
      type: 'm.room.member',
      stateKey: target,
      sender,
      roomId: ROOM,
      content,
      originServerTs: 1,
      depth: 5,
      prevEvents: [cited],
      authEvents: [cited],
    },
    rules,
  )
}

const membershipOf = async (hs: Awaited<ReturnType<typeof roomServer>>, userId: string) => {
  const userNid = await hs.storage.names.find(userId)
  return (await hs.storage.memberships.get((await roomOf(hs, ROOM)).nid, userNid ?? 0))?.membership
}

test('a user elsewhere is invited when their server has agreed', async () => {
  const offered: Event[] = []
  const invite = async (_room: unknown, event: Event) => {
    offered.push(event)
    return event
  }
  await using hs = await roomServer({ remote: { invite } })
  const alice = await hs.user('alice')
  const room = await alice.createRoom({ invite: [THEM], is_direct: true })
  assert.deepEqual(await stateOf(hs, room, 'm.room.member', THEM), { membership: 'invite', is_direct: true })
  assert.equal(offered.length, 1)
  assert.equal((await timelineOf(hs, room)).at(-1)?.eventId, offered[0]?.eventId)
})

test('an invite that the other server refuses is not in the room', async () => {
  await using hs = await roomServer({ remote: { invite: () => Promise.reject(forbidden('No')) } })
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  await alice.refused('M_FORBIDDEN', 'POST', `rooms/${room}/invite`, { user_id: THEM })
  assert.deepEqual(await stateOf(hs, room, 'm.room.member', THEM), {})
})

test('what happens in the room while the other server is asked is kept', async () => {
  const during: (() => Promise<unknown>)[] = []
  const invite = async (_room: unknown, event: Event) => {
    for (const step of during) await step()
    return event
  }
  await using hs = await roomServer({ remote: { invite } })
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  during.push(() => alice.setState(room, 'm.room.name', { name: 'Meanwhile' }))
  await alice.ok('POST', `rooms/${room}/invite`, { user_id: THEM })
  assert.equal((await stateOf(hs, room, 'm.room.name'))['name'], 'Meanwhile')
  assert.equal((await stateOf(hs, room, 'm.room.member', THEM))['membership'], 'invite')
  const sent = await alice.send(room, 'after both')
  assert.equal((await timelineOf(hs, room)).at(-1)?.eventId, sent)
})

test('an unknown room is joined through the servers that the client names', async () => {
  const asked: RemoteMembership[] = []
  const join = async (membership: RemoteMembership) => {
    asked.push(membership)
    throw forbidden('Not you')
  }
  await using hs = await roomServer({ remote: { join } })
  const alice = await hs.user('alice')
  await alice.refused('M_FORBIDDEN', 'POST', `join/${ROOM}?via=first.test&via=second.test`, { reason: 'Curious' })
  assert.deepEqual(asked[0]?.via, ['first.test', 'second.test', 'them.test'])
  assert.deepEqual(asked[0]?.content, { displayname: 'alice', reason: 'Curious' })
  await alice.refused('M_NOT_FOUND', 'POST', `join/!${'A'.repeat(43)}`, {})
})

test('an invite from elsewhere is rejected there', async () => {
  const leave = async ({ userId, via }: RemoteMembership) => {
    assert.deepEqual(via, ['them.test'])
    return member(userId, userId, { membership: 'leave' })
  }
  await using hs = await roomServer({ remote: { leave } })
  const alice = await hs.user('alice')
  const stripped = [{ type: 'm.room.name', state_key: '', sender: THEM, content: { name: 'Theirs' } }]
  await hs.rooms.outOfBand.record(member(THEM, alice.id, { membership: 'invite' }), 'invite', stripped)
  const room = await roomOf(hs, ROOM)
  const userNid = (await hs.storage.names.find(alice.id)) ?? 0
  assert.equal((await hs.storage.memberships.strippedState(room.nid, userNid)).length, 1)
  await alice.ok('POST', `rooms/${ROOM}/leave`)
  assert.equal(await membershipOf(hs, alice.id), 'leave')
  assert.deepEqual(await hs.storage.memberships.strippedState(room.nid, userNid), [])
  await alice.refused('M_FORBIDDEN', 'GET', `rooms/${ROOM}/state`)
})

test('an invite can be got rid of though nobody answers, again and again', async () => {
  await using hs = await roomServer({ remote: { leave: () => Promise.reject(badGateway()) } })
  const alice = await hs.user('alice')
  for (const attempt of [1, 2, 3]) {
    await hs.rooms.outOfBand.record(member(THEM, alice.id, { membership: 'invite', attempt }), 'invite')
    assert.equal(await membershipOf(hs, alice.id), 'invite')
    await alice.ok('POST', `rooms/${ROOM}/leave`, {})
    assert.equal(await membershipOf(hs, alice.id), 'leave')
  }
})

test('a knock elsewhere is kept with what the other server says of the room', async () => {
  const strippedState = [{ type: 'm.room.name', state_key: '', sender: THEM, content: { name: 'Theirs' } }]
  const knock = async ({ userId, content }: RemoteMembership) => ({
    event: member(userId, userId, { ...content, membership: 'knock' }),
    strippedState,
  })
  await using hs = await roomServer({ remote: { knock } })
  const alice = await hs.user('alice')
  await alice.ok('POST', `knock/${ROOM}?server_name=them.test`, { reason: 'Hello?' })
  assert.equal(await membershipOf(hs, alice.id), 'knock')
})

test('two invites to the same unknown room make it known once', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const invites = [alice, bob].map(({ id }) => hs.rooms.outOfBand.record(member(THEM, id, { membership: 'invite' }), 'invite'))
  await Promise.all(invites)
  assert.equal(await membershipOf(hs, alice.id), 'invite')
  assert.equal(await membershipOf(hs, bob.id), 'invite')
})

test('one refused invite does not keep the others out of a new room', async () => {
  const first = '@first:them.test'
  const invite = async (_room: unknown, event: Event) => {
    if (event.stateKey === first) throw forbidden('Not me')
    return event
  }
  await using hs = await roomServer({ remote: { invite } })
  const alice = await hs.user('alice')
  const roomId = await alice.createRoom({ invite: [first, THEM] })
  assert.equal((await stateOf(hs, roomId, 'm.room.member', THEM))['membership'], 'invite')
})
