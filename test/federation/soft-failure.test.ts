/** What clients and other servers see of a soft-failed state event, before and after it became part of the room's state. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import { isJsonObject, type Json } from '../../schemas/json.ts'
import type { Event } from '../../src/protocol/event.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import { logIn } from '../support/user.ts'
import { besideRemote } from './support.ts'

const BOB = '@bob:remote.test' as UserId

/** Bob sets a topic when the state of the room does not let him any more; later it would, but nobody has built on the topic. */
async function setUp(version: string) {
  const hs = await besideRemote()
  const room = new RemoteRoom(hs.remote, version)
  const levels = (state_default: number) => {
    const users = version === '12' ? {} : { [room.admin]: 100 }
    return room.add('m.room.power_levels', { users, state_default }, { stateKey: '' })
  }
  levels(0)
  room.join(BOB)
  room.serveJoins()
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('POST', `join/${encodeURIComponent(room.roomId)}?server_name=remote.test`, {})
  await alice.sync()
  const topic = room.add('m.room.topic', { topic: 'too late' }, { sender: BOB, stateKey: '', aside: true })
  for (const event of [levels(50), topic, levels(0)]) assert.deepEqual((await hs.send([event]))[event.eventId], {})
  const path = `rooms/${encodeURIComponent(room.roomId)}`
  const news = async () => (await alice.sync()).rooms.join[room.roomId]
  return { ...hs, room, alice, topic, path, news }
}

const idsIn = (events: readonly { event_id: string }[]) => events.map(({ event_id }) => event_id)

/** The ids of the events in an answer to another server, by their content. */
function holds(answer: Json, { pdu }: Event): boolean {
  assert.ok(isJsonObject(answer))
  return JSON.stringify(answer).includes(JSON.stringify(pdu['hashes']))
}

for (const version of ['6', '10', '12']) {
  test(`clients hear of a soft-failed event when it is part of the state (version ${version})`, async () => {
    await using hs = await setUp(version)
    const { room, alice, topic, path, news } = hs
    const before = await news()
    assert.ok(before && ![...idsIn(before.timeline.events), ...idsIn(before.state.events)].includes(topic.eventId))
    await alice.refused(404, 'M_NOT_FOUND', 'GET', `${path}/state/m.room.topic`)
    await alice.refused(404, 'M_NOT_FOUND', 'GET', `${path}/event/${encodeURIComponent(topic.eventId)}`)
    const [end] = room.events.slice(-1)
    assert.ok(end)
    await hs.send([room.say('built on both', { sender: BOB, prev: [end, topic] })])
    assert.equal((await alice.ok('GET', `${path}/state/m.room.topic`))['topic'], 'too late')
    const after = await news()
    assert.ok(after)
    assert.deepEqual(idsIn(after.state.events), [topic.eventId])
    assert.deepEqual(
      after.timeline.events.map(({ content }) => content['body']),
      ['built on both'],
    )
    assert.deepEqual(await alice.messages(room.roomId), ['built on both'])
  })
}

test('other servers get a soft-failed event by its id, and as history of those that build on it', async () => {
  await using hs = await setUp('10')
  const { room, topic } = hs
  const roomId = encodeURIComponent(room.roomId)
  const backfilled = async ({ eventId }: Event) =>
    holds((await hs.call('GET', `v1/backfill/${roomId}?v=${encodeURIComponent(eventId)}&limit=20`)).body, topic)
  const missing = async ({ eventId }: Event) => {
    const range = { earliest_events: [], latest_events: [eventId], limit: 20 }
    return holds((await hs.call('POST', `v1/get_missing_events/${roomId}`, range)).body, topic)
  }
  const [end] = room.events.slice(-1)
  assert.ok(end)
  assert.ok(holds((await hs.call('GET', `v1/event/${encodeURIComponent(topic.eventId)}`)).body, topic))
  assert.deepEqual([await backfilled(end), await missing(end)], [false, false])
  const next = room.say('built on both', { sender: BOB, prev: [end, topic] })
  await hs.send([next])
  assert.deepEqual([await backfilled(next), await missing(next)], [true, true])
})

test('a state that a hidden redaction brings along is told to clients', async () => {
  await using hs = await setUp('10')
  const { room, alice, topic, news } = hs
  await news()
  const [end] = room.events.slice(-1)
  assert.ok(end)
  // Its target is not here, so that clients do not get it.
  const redacts = `$${'A'.repeat(43)}`
  const redaction = room.add('m.room.redaction', {}, { sender: BOB, prev: [end, topic], redacts })
  assert.deepEqual((await hs.send([redaction]))[redaction.eventId], {})
  const after = await news()
  assert.deepEqual(idsIn(after?.state.events ?? []), [topic.eventId])
  assert.deepEqual(await alice.messages(room.roomId), [])
})
