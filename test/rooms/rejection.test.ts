/** https://spec.matrix.org/v1.19/server-server-api/#rejection */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, ServerName, UserId } from '../../schemas/ids.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import type { Event } from '../../src/protocol/event.ts'
import { stateMapKey } from '../../src/protocol/state-map.ts'
import type { RemoteHistory } from '../../src/rooms/remote-history.ts'
import { Standing } from '../../src/storage/stored-event.ts'
import { Replica } from '../support/replica.ts'
import { SILENT } from '../support/silent-history.ts'

const alice = '@alice:ours' as UserId
const bob = '@bob:other' as UserId
const OTHER = 'other' as ServerName
const TOPIC = stateMapKey('m.room.topic', '')
const VERSIONS = ['2', '6', '11', '12']

/**
 * Bob's topic is authorised by the power levels that it names, but not by those in the state before it, which alice has
 * set since, and later sets back.
 */
async function setUp(version: string) {
  const told: { history: RemoteHistory } = { history: SILENT }
  const history: RemoteHistory = {
    missingEvents: (...question) => told.history.missingEvents(...question),
    stateIds: (...question) => told.history.stateIds(...question),
    events: (...question) => told.history.events(...question),
    authChain: (...question) => told.history.authChain(...question),
    backfill: async () => undefined,
  }
  const replica = new Replica('ours', undefined, undefined, { history })
  const levels = (state_default: number) => ({ users: version === '12' ? {} : { [alice]: 100 }, state_default })
  const { roomId } = await replica.create(version, alice, [
    { type: 'm.room.power_levels', stateKey: '', content: levels(0) },
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  await replica.send(roomId, { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join' } })
  const room = await replica.room(roomId)
  const draft = { sender: bob, type: 'm.room.topic', stateKey: '', content: { topic: 'not allowed' } }
  const honest = await replica.core.sender.build(room, draft)
  const setLevels = (to: number) =>
    replica.send(roomId, { sender: alice, type: 'm.room.power_levels', stateKey: '', content: levels(to) })
  const raised = await setLevels(50)
  const receive = async (event: Event) => (await replica.receiver.receive(OTHER, room, [event]))[0]?.kind
  const standing = async ({ eventId }: Event) => (await replica.storage.events.byId(eventId))?.standing
  const topic = alike(honest, { prevEvents: [raised.eventId] })
  const message = (prevEvents: readonly EventId[]) =>
    alike(honest, { type: 'm.room.message', stateKey: undefined, content: { body: 'hello' }, prevEvents })
  const dispose = () => replica[Symbol.asyncDispose]()
  return { replica, roomId, told, raised, topic, message, receive, standing, setLevels, [Symbol.asyncDispose]: dispose }
}

let made = 0

for (const version of VERSIONS) {
  test(`events on a rejected one are allowed, and the state goes on without it (version ${version})`, async () => {
    await using hs = await setUp(version)
    const { replica, roomId, topic } = hs
    assert.equal(await hs.receive(topic), 'rejected')
    assert.equal(await hs.standing(topic), Standing.rejectedByState)
    assert.equal(await hs.receive(hs.message([topic.eventId])), 'accepted')
    assert.equal((await replica.currentState(roomId)).get(TOPIC), undefined)
    const next = await replica.send(roomId, { sender: alice, type: 'm.room.message', content: { body: 'of ours' } })
    assert.ok(!next.prevEvents.includes(topic.eventId))
  })

  test(`an event that names a rejected one among its auth events is rejected (version ${version})`, async () => {
    await using hs = await setUp(version)
    const { replica, roomId, raised } = hs
    // A member event that nobody may send, and a message by whom it would let in.
    const carol = '@carol:other' as UserId
    const draft = { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join', displayname: 'Bob' } }
    const renamed = await replica.core.sender.build(await replica.room(roomId), draft)
    const member = alike(renamed, { sender: carol, stateKey: carol, prevEvents: [raised.eventId], authEvents: [] })
    assert.equal(await hs.receive(member), 'rejected')
    assert.equal(await hs.standing(member), Standing.rejected)
    const follower = alike(hs.message([raised.eventId]), { sender: carol, authEvents: [member.eventId] })
    assert.equal(await hs.receive(follower), 'rejected')
    assert.equal(await hs.standing(follower), Standing.rejected)
  })

  test(`what only the state has rejected takes part in resolution where others tell of it (version ${version})`, async () => {
    await using hs = await setUp(version)
    const { replica, roomId, told, topic } = hs
    assert.equal(await hs.receive(topic), 'rejected')
    const lowered = await hs.setLevels(0)
    const before = await replica.currentState(roomId)
    const unforeseen = alike(hs.message([lowered.eventId]), { originServerTs: 2 })
    const filler = hs.message([unforeseen.eventId])
    told.history = {
      ...SILENT,
      missingEvents: async () => [filler],
      stateIds: async () => ({ state: [...before.values(), topic.eventId], authChain: [] }),
      events: async () => [unforeseen],
    }
    assert.equal(await hs.receive(hs.message([filler.eventId, lowered.eventId])), 'accepted')
    assert.equal((await replica.currentState(roomId)).get(TOPIC), topic.eventId)
  })
}

/** An event made as another, but for the changes. */
function alike(event: Event, changes: Partial<Event>): Event {
  const { type, stateKey, sender, roomId, content, originServerTs, depth, prevEvents, authEvents, rules } = {
    ...event,
    ...changes,
  }
  const eventId = `$made${made++}:other` as EventId
  const chosen = rules.eventIdFormat === 'chosen' ? { eventId, referenceHashOf: () => new Uint8Array(32) } : undefined
  return buildEvent({ type, stateKey, sender, roomId, content, originServerTs, depth, prevEvents, authEvents, chosen }, rules)
}
