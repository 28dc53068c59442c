/** A scripted server whose answers about the past of a room are too many, too large, or of something else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, UserId } from '../../schemas/ids.ts'
import type { Event } from '../../src/protocol/event.ts'
import { GAP_LIMITS } from '../../src/rooms/gap-budget.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import type { Reply } from '../support/remote-server.ts'
import { logIn, type SeenEvent, type TestUser } from '../support/user.ts'
import { listOf, Slider } from '../sync/sliding/support.ts'
import { besideRemote } from './support.ts'

const BOB = '@bob:remote.test' as UserId
/** An event that nobody has. */
const unknown = (n: number) => ({ eventId: `$${String(n).padStart(42, 'A')}A` as EventId, depth: 1_000 }) as Event

const MISSING = /^\/_matrix\/federation\/v1\/get_missing_events\//

/** Our alice in a room of the other server, in which bob speaks. */
async function setUp() {
  const hs = await besideRemote()
  const room = new RemoteRoom(hs.remote)
  room.join(BOB)
  room.serveJoins()
  // A server that does not take what it is sent is not asked for a while.
  hs.remote.on('PUT', /\/v1\/send\//, () => ({ body: { pdus: {} } }))
  const alice = await logIn(hs.ours, 'alice')
  await alice.ok('POST', `join/${encodeURIComponent(room.roomId)}?server_name=remote.test`, {})
  const say = (body: string, prev?: readonly Event[]) => room.say(body, { sender: BOB, ...(prev && { prev, aside: true }) })
  const faultOf = async (event: Event) => ((await hs.send([event]))[event.eventId] as { error?: string }).error
  const answer = (reply: () => Reply) => hs.remote.on('POST', MISSING, reply)
  return { ...hs, room, alice, say, faultOf, answer, heard: () => alice.messages(room.roomId) }
}

test('of an answer with more events than were asked for, the rest is left', async () => {
  await using hs = await setUp()
  const gap = Array.from({ length: 120 }, (_, n) => hs.say(`gap ${n}`))
  hs.answer(() => ({ body: { events: gap.map(({ pdu }) => pdu) } }))
  assert.match((await hs.faultOf(hs.say('after it'))) ?? '', /state before the event/)
  const heard = await hs.heard()
  assert.deepEqual([heard.length, heard.at(-1)], [50, 'gap 49'])
})

test('an answer of ten megabytes is refused, and what needs no answer goes on', async () => {
  await using hs = await setUp()
  const [here] = hs.room.events.slice(-1)
  assert.ok(here)
  const lost = hs.say('lost', [here])
  hs.answer(() => ({ body: { events: [lost.pdu], padding: 'x'.repeat(10_000_000) } }))
  assert.match((await hs.faultOf(hs.say('after it', [lost]))) ?? '', /state before the event/)
  assert.equal(await hs.faultOf(hs.say('beside it', [here])), undefined)
  assert.deepEqual(await hs.heard(), ['beside it'])
})

test('events of another room do not fill a gap', async () => {
  await using hs = await setUp()
  const other = new RemoteRoom(hs.remote)
  other.join(BOB)
  const lost = other.say('of another room', { sender: BOB })
  hs.answer(() => ({ body: { events: other.events.map(({ pdu }) => pdu) } }))
  assert.match((await hs.faultOf(hs.say('after it', [lost]))) ?? '', /state before the event/)
  assert.deepEqual(await hs.heard(), [])
})

test('a server that makes up ever further events is asked for few of them', async () => {
  await using hs = await setUp()
  let made = 0
  const makeUp = (count: number) => Array.from({ length: count }, () => hs.say('made up', [unknown(made++)]))
  hs.answer(() => ({ body: { events: makeUp(50).map(({ pdu }) => pdu) } }))
  const events = makeUp(20)
  const before = hs.remote.requests.length
  const results = await hs.send(events)
  assert.ok(events.every(({ eventId }) => (results[eventId] as { error?: string }).error !== undefined))
  const asked = hs.remote.requests.length - before
  assert.ok(asked <= GAP_LIMITS.questions, String(asked))
  assert.deepEqual(await hs.heard(), [])
})

test('a server that sends many transactions at once has to wait with some of them', async () => {
  await using hs = await setUp()
  const held = Promise.withResolvers<Reply>()
  const asked = Promise.withResolvers<void>()
  hs.remote.on('POST', MISSING, () => {
    asked.resolve()
    return held.promise
  })
  const transaction = (n: number) => ({
    origin: hs.remote.name,
    origin_server_ts: 1,
    pdus: [hs.say(String(n), [unknown(n)]).pdu],
  })
  const refused = Promise.withResolvers<void>()
  let answered = 0
  const send = async (n: number) => {
    const { status } = await hs.call('PUT', `v1/send/many${n}`, transaction(n))
    if (++answered === 2) refused.resolve()
    return status
  }
  const statuses = Promise.all(Array.from({ length: 12 }, (_, n) => send(n)))
  await asked.promise
  await refused.promise
  held.resolve({ body: { events: [] } })
  assert.deepEqual((await statuses).sort(), [...Array(10).fill(200), 429, 429])
})

const texts = (events: readonly SeenEvent[]): unknown[] => events.flatMap(({ content }) => content['body'] ?? [])

/** The texts of a room from a token back to its beginning, the latest first, page by page. */
async function back(user: TestUser, roomId: string, from?: string): Promise<unknown[]> {
  const found: unknown[] = []
  for (let token = from, pages = 0; pages < 30; pages++) {
    const query = new URLSearchParams({ dir: 'b', limit: '20', ...(token !== undefined && { from: token }) })
    const { chunk, end } = await user.ok('GET', `rooms/${encodeURIComponent(roomId)}/messages?${query}`)
    found.push(...texts(chunk as SeenEvent[]))
    if (typeof end !== 'string') return found
    token = end
  }
  assert.fail('The pages have no end')
}

const FIFTY = { filter: JSON.stringify({ room: { timeline: { limit: 50 } } }) }
const numbered = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => `gap ${first + n}`)

/** Of sixty messages between two that have come, the server has given the last ten. */
async function withGap(servesHistory: boolean) {
  const hs = await setUp()
  const { alice, room } = hs
  if (servesHistory) room.serveHistory()
  room.serveState()
  assert.equal(await hs.faultOf(hs.say('before')), undefined)
  const { next_batch: since } = await alice.sync(FIFTY)
  const gap = numbered(1, 60).map((body) => hs.say(body))
  hs.answer(() => ({ body: { events: gap.slice(-10).map(({ pdu }) => pdu) } }))
  assert.equal(await hs.faultOf(hs.say('after')), undefined)
  return { ...hs, since }
}

test('where a gap stays open, clients are told so, and get what was in it in its place', async () => {
  await using hs = await withGap(true)
  const { alice, room, since } = hs
  const asked = listOf({ timeline_limit: 50 })
  const { timeline } = (await alice.sync({ ...FIFTY, since })).rooms.join[room.roomId] ?? assert.fail('no news')
  assert.deepEqual([texts(timeline.events), timeline.limited], [[...numbered(51, 60), 'after'], true])
  const slid = await new Slider(alice).room(room.roomId, asked)
  assert.deepEqual([texts(slid.timeline ?? []), slid.limited], [[...numbered(51, 60), 'after'], true])
  const past = [...numbered(1, 50).toReversed(), 'before']
  assert.deepEqual(await back(alice, room.roomId, timeline.prev_batch), past)
  const all = ['before', ...numbered(1, 60), 'after']
  assert.deepEqual(await back(alice, room.roomId), all.toReversed())
  const late = (await alice.sync({ ...FIFTY, since })).rooms.join[room.roomId]?.timeline
  assert.deepEqual(texts(late?.events ?? []), all.slice(-50))
  assert.deepEqual((await alice.sync({ ...FIFTY, since: String((await alice.sync())['next_batch']) })).rooms.join, {})
})

test('a gap that nobody can fill is gone over', async () => {
  await using hs = await withGap(false)
  const { alice, room } = hs
  let asked = 0
  hs.remote.on('GET', /\/v1\/backfill\//, () => {
    asked++
    return { body: { origin: hs.remote.name, origin_server_ts: 1, pdus: [] } }
  })
  const whole = ['after', ...numbered(51, 60).toReversed(), 'before']
  assert.deepEqual(await back(alice, room.roomId), whole)
  const once = asked
  assert.deepEqual(await back(alice, room.roomId), whole)
  assert.deepEqual([once, asked - once], [2, 1], 'nobody is asked for it again at once; for what was before our time they are')
})

test('who comes back into a room gets what was there meanwhile in its place', async () => {
  await using hs = await setUp()
  const { alice, room } = hs
  room.serveHistory()
  assert.equal(await hs.faultOf(hs.say('before')), undefined)
  await alice.leave(room.roomId)
  hs.say('meanwhile')
  await alice.join(room.roomId, 'remote.test')
  assert.equal(await hs.faultOf(hs.say('after')), undefined)
  const { timeline } = (await alice.sync(FIFTY)).rooms.join[room.roomId] ?? assert.fail('no room')
  assert.deepEqual([texts(timeline.events), timeline.limited], [['after'], true])
  assert.deepEqual(await back(alice, room.roomId), ['after', 'meanwhile', 'before'])
})
