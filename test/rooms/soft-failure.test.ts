/** The example of https://spec.matrix.org/v1.19/server-server-api/#soft-failure: a ban, and what its target sends without it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { knownRoomVersions } from '../../src/protocol/room-versions.ts'
import { stateMapKey } from '../../src/protocol/state-map.ts'
import { Standing } from '../../src/storage/stored-event.ts'
import { FakeClock } from '../support/clock.ts'
import { Replica } from '../support/replica.ts'

const alice = '@alice:ours' as UserId
const bob = '@bob:theirs' as UserId
const carol = '@carol:theirs' as UserId
const TOPIC = stateMapKey('m.room.topic', '')

/** Bob sets the topic (C) on his server while alice bans him (B) on ours, which hears of C afterwards. */
async function setUp(version: string) {
  const clock = new FakeClock()
  const stack = new AsyncDisposableStack()
  const ours = stack.use(new Replica('ours', undefined, clock))
  const theirs = stack.use(new Replica('theirs', undefined, clock))
  const users = version === '12' ? {} : { [alice]: 100 }
  const { roomId } = await ours.create(version, alice, [
    { type: 'm.room.power_levels', stateKey: '', content: { users, state_default: 0 } },
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  for (const user of [carol, bob]) await ours.send(roomId, member(user, user, 'join'))
  await theirs.enter(ours, roomId)
  clock.later(1_000)
  const ban = await ours.send(roomId, member(alice, bob, 'ban'))
  clock.later(1_000)
  const topic = await theirs.send(roomId, { sender: bob, type: 'm.room.topic', stateKey: '', content: { topic: 'evading' } })
  const verdict = (await ours.receive(theirs, roomId, [topic]))[0]
  return { ours, theirs, roomId, ban, topic, verdict, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

function member(sender: UserId, stateKey: UserId, membership: string) {
  return { sender, type: 'm.room.member', stateKey, content: { membership } satisfies JsonObject }
}

const message = (sender: UserId) => ({ sender, type: 'm.room.message', content: { body: 'hello' } })
const endsOf = async (replica: Replica, roomId: RoomId) =>
  (await replica.core.heads.get(await replica.room(roomId))).extremities.map(({ eventId }) => eventId)

for (const version of knownRoomVersions) {
  test(`a soft-failed event is no end of the room and not in its state (version ${version})`, async () => {
    await using hs = await setUp(version)
    const { ours, roomId, ban, topic, verdict } = hs
    assert.equal(verdict?.kind, 'soft-failed')
    assert.equal((await ours.stored([topic.eventId])).get(topic.eventId)?.standing, Standing.softFailed)
    assert.deepEqual(await endsOf(ours, roomId), [ban.eventId])
    assert.equal((await ours.currentState(roomId)).get(TOPIC), undefined)
    const next = await ours.send(roomId, message(alice))
    assert.deepEqual(next.prevEvents, [ban.eventId])
  })

  test(`once somebody builds on it, state resolution decides about it (version ${version})`, async () => {
    await using hs = await setUp(version)
    const { ours, theirs, roomId, ban, topic } = hs
    assert.equal((await theirs.receive(ours, roomId, [ban]))[0]?.kind, 'accepted')
    const next = await theirs.send(roomId, message(carol))
    assert.deepEqual(next.prevEvents.toSorted(), [ban.eventId, topic.eventId].sort())
    assert.equal((await ours.receive(theirs, roomId, [next]))[0]?.kind, 'accepted')
    assert.deepEqual(await endsOf(ours, roomId), [next.eventId])
    // In the original version of the algorithm C would be in the resolved state; later versions prioritise the ban.
    const expected = version === '1' ? topic.eventId : undefined
    assert.equal((await ours.currentState(roomId)).get(TOPIC), expected)
    assert.deepEqual(await ours.currentState(roomId), await theirs.currentState(roomId))
  })
}
