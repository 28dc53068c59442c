import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { parseJson } from '../../src/core/json-text.ts'
import type { Event } from '../../src/protocol/event.ts'
import type { Room } from '../../src/storage/rooms.ts'
import { Replica } from '../support/replica.ts'

interface SeenEvent {
  readonly event_id: string
  readonly content: JsonObject
  readonly unsigned: { readonly redacted_because?: SeenEvent }
}

const alice = '@alice:ours' as UserId
const bob = '@bob:other' as UserId

/** A room whose events have the ids that their servers choose, so that they can name events that do not exist yet. */
async function setUp() {
  const replica = new Replica('ours')
  const { roomId } = await replica.create('1', alice, [
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
    { type: 'm.room.power_levels', stateKey: '', content: { users: { [alice]: 100, [bob]: 100 } } },
  ])
  await replica.send(roomId, { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join' } })
  const room = await replica.room(roomId)
  return { replica, room, [Symbol.asyncDispose]: () => replica[Symbol.asyncDispose]() }
}

/** Bob's server sends a redaction under an id of its choice. */
async function redaction(replica: Replica, room: Room, eventId: string, redacts: string): Promise<void> {
  const built = await replica.core.sender.build(room, {
    sender: bob,
    type: 'm.room.redaction',
    content: { reason: `${eventId} is sent` },
    redacts: redacts as EventId,
  })
  const event: Event = { ...built, eventId: eventId as EventId, pdu: { ...built.pdu, event_id: eventId } }
  const [verdict] = await replica.receive(replica, room.roomId, [event])
  assert.equal(verdict?.kind, 'accepted')
}

/** The events as alice gets them, by id. */
async function seen(replica: Replica, eventIds: readonly string[]) {
  const stored = [...(await replica.stored(eventIds as EventId[])).values()]
  const reader = { userId: alice, userNid: 0, deviceNid: undefined }
  const texts = await replica.core.clientEvents.texts(stored, reader, { withRoomId: true })
  const events = texts.map((text) => parseJson(text) as unknown as SeenEvent)
  return (eventId: string) => events.find(({ event_id: id }) => id === eventId) ?? assert.fail(`no event ${eventId}`)
}

test('of two events that redact each other, neither does', async () => {
  await using setting = await setUp()
  const { replica, room } = setting
  await redaction(replica, room, '$one:other', '$two:other')
  await redaction(replica, room, '$two:other', '$one:other')
  const event = await seen(replica, ['$one:other', '$two:other'])
  for (const eventId of ['$one:other', '$two:other']) {
    assert.equal(event(eventId).content['reason'], `${eventId} is sent`)
    assert.equal(event(eventId).unsigned.redacted_because, undefined)
  }
})

test('an event that redacts itself does not', async () => {
  await using setting = await setUp()
  const { replica, room } = setting
  await redaction(replica, room, '$itself:other', '$itself:other')
  const event = await seen(replica, ['$itself:other'])
  assert.equal(event('$itself:other').content['reason'], '$itself:other is sent')
  assert.equal(event('$itself:other').unsigned.redacted_because, undefined)
})

test('where events redact each other in a circle, each names what redacted it and no more', async () => {
  await using setting = await setUp()
  const { replica, room } = setting
  const circle = ['$one:other', '$two:other', '$three:other', '$one:other']
  for (const [index, eventId] of circle.slice(0, -1).entries()) await redaction(replica, room, eventId, circle[index + 1] ?? '')
  const event = await seen(replica, circle.slice(0, -1))
  for (const [index, target] of circle.slice(1).entries()) {
    const because = event(target).unsigned.redacted_because ?? assert.fail()
    assert.equal(because.event_id, circle[index])
    assert.equal(because.unsigned.redacted_because, undefined)
  }
})

test('of a redacted redaction is told what it was redacted by, and what it redacted stays redacted', async () => {
  await using setting = await setUp()
  const { replica, room } = setting
  const message = await replica.send(room.roomId, { sender: bob, type: 'm.room.message', content: { body: 'gone' } })
  await redaction(replica, room, '$first:other', message.eventId)
  await redaction(replica, room, '$second:other', '$first:other')
  const event = await seen(replica, [message.eventId, '$first:other', '$second:other'])
  assert.deepEqual(event(message.eventId).content, {})
  assert.equal(event(message.eventId).unsigned.redacted_because?.event_id, '$first:other')
  assert.deepEqual(event('$first:other').content, {})
  assert.equal(event('$first:other').unsigned.redacted_because?.event_id, '$second:other')
  assert.deepEqual(event('$second:other').content, { reason: '$second:other is sent', redacts: '$first:other' })
})
