import assert from 'node:assert/strict'
import { test } from 'node:test'
import { knownRoomVersions } from '../../../src/protocol/room-versions.ts'
import { roomServer } from '../../support/room-server.ts'
import { stateOf, timelineOf } from '../../support/rooms.ts'

test('a room starts with the events that the specification lists, in their order', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  assert.ok(alice && bob)
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
