/** Servers that give nothing, too much or ever more when they are asked for what their events build on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, ServerName, UserId } from '../../schemas/ids.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import type { Event } from '../../src/protocol/event.ts'
import { GAP_LIMITS, GapTurns } from '../../src/rooms/gap-budget.ts'
import type { RemoteHistory } from '../../src/rooms/remote-history.ts'
import { FakeClock } from '../support/clock.ts'
import { Replica } from '../support/replica.ts'
import { SILENT } from '../support/silent-history.ts'

const alice = '@alice:ours' as UserId
const bob = '@bob:other' as UserId
const hostile = 'hostile' as ServerName
const honest = 'honest' as ServerName

/** A room of ours that bob has joined, and what other servers answer about its past. */
async function setUp(answers: Partial<RemoteHistory> = {}) {
  const asked: string[] = []
  const clock = new FakeClock()
  const given = { ...SILENT, ...answers }
  const history: RemoteHistory = {
    ...given,
    missingEvents: (...question) => (asked.push('missing events'), given.missingEvents(...question)),
    stateIds: (...question) => (asked.push('state ids'), given.stateIds(...question)),
  }
  const replica = new Replica('ours', undefined, clock, { history })
  const { roomId } = await replica.create('11', alice, [
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  await replica.send(roomId, { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join' } })
  const room = await replica.room(roomId)
  const first = await replica.core.sender.build(room, { sender: bob, type: 'm.room.message', content: { body: 'first' } })
  /** A message of bob on top of these. */
  const message = (body: string, prevEvents: readonly EventId[] = first.prevEvents) =>
    buildEvent(
      {
        type: 'm.room.message',
        sender: bob,
        roomId,
        content: { body },
        originServerTs: 1,
        depth: first.depth + 1,
        authEvents: first.authEvents,
        prevEvents,
      },
      first.rules,
    )
  const receive = async (origin: ServerName, ...events: Event[]) =>
    (await replica.receiver.receive(origin, room, events)).map(({ kind }) => kind)
  return { replica, room, clock, asked, message, receive, [Symbol.asyncDispose]: () => replica[Symbol.asyncDispose]() }
}

const unknown = (n: number) => `$${String(n).padStart(43, 'A')}` as EventId
/** An answer that never comes, until nobody waits for it any more. */
const never = (signal: AbortSignal | undefined) =>
  new Promise<undefined>((resolve) => signal?.addEventListener('abort', () => resolve(undefined)))

test('a server that never answers holds up nobody but itself, and itself for a minute', async () => {
  const asked = Promise.withResolvers<void>()
  await using hs = await setUp({
    missingEvents: (_server, _room, _range, signal) => {
      asked.resolve()
      return never(signal)
    },
  })
  const building = hs.message('built on what nobody has', [unknown(1)])
  const waiting = hs.receive(hostile, building, hs.message('another', [unknown(2)]), hs.message('without a gap'))
  await asked.promise
  assert.deepEqual(await hs.receive(honest, hs.message('meanwhile')), ['accepted'])
  hs.clock.later(GAP_LIMITS.timeMs)
  assert.deepEqual(await waiting, ['missing', 'missing', 'accepted'])
  assert.deepEqual(hs.asked, ['missing events'])
})

test('events that cite ever new unknown ones are worth few questions', async () => {
  await using hs = await setUp()
  const events = Array.from({ length: 200 }, (_, n) => hs.message(String(n), [unknown(n)]))
  assert.deepEqual(new Set(await hs.receive(hostile, ...events)), new Set(['missing']))
  assert.equal(hs.asked.length, GAP_LIMITS.questions)
})

test('a gap that only opens further gaps is given up', async () => {
  const made: Event[] = []
  await using hs = await setUp({ missingEvents: async () => made })
  for (let n = 0; n < 50; n++) made.push(hs.message(`of the gap ${n}`, [unknown(n)]))
  const prev = made.map(({ eventId }) => eventId).slice(0, 20)
  assert.deepEqual(await hs.receive(hostile, hs.message('the end', prev)), ['missing'])
  assert.equal(hs.asked.length, GAP_LIMITS.questions)
  assert.deepEqual(await hs.receive(hostile, hs.message('in order')), ['accepted'])
})

test('a gap of more events than a server gives at once comes whole and in order', async () => {
  const made: Event[] = []
  await using hs = await setUp({
    missingEvents: async (_server, _room, { latest }) => {
      const end = made.findIndex(({ eventId }) => eventId === latest[0])
      return made.slice(Math.max(end - 20, 0), end)
    },
    stateIds: () => assert.fail('the state is asked for'),
  })
  for (let n = 0; n < 130; n++)
    made.push(hs.message(String(n), n === 0 ? undefined : made.slice(-1).map(({ eventId }) => eventId)))
  assert.deepEqual(await hs.receive(honest, ...made.slice(-1)), ['accepted'])
  const { storage } = hs.replica
  const entries = await storage.timelines.backwards(hs.room.nid, 0, storage.db.position, made.length)
  const stored = await storage.events.byNids(entries.map(({ nid }) => nid))
  assert.deepEqual(
    entries.toReversed().map(({ nid }) => stored.get(nid)?.eventId),
    made.map(({ eventId }) => eventId),
  )
  assert.equal(hs.asked.length, 7)
})

test('a gap that is too large to come whole is bridged by the state behind it', async () => {
  const made: Event[] = []
  await using hs = await setUp({
    missingEvents: async (_server, _room, { latest }) => {
      const end = made.findIndex(({ eventId }) => eventId === latest[0])
      return made.slice(Math.max(end - 1, 0), end)
    },
    stateIds: async () => {
      const state = await hs.replica.core.states.all((await hs.replica.core.heads.get(hs.room)).stateRoot)
      return { state: state.map(({ eventId }) => eventId), authChain: [] }
    },
    events: async (_server, _room, eventIds) => made.filter(({ eventId }) => eventIds.includes(eventId)),
  })
  for (let n = 0; n < 40; n++)
    made.push(hs.message(String(n), n === 0 ? undefined : made.slice(-1).map(({ eventId }) => eventId)))
  assert.deepEqual(await hs.receive(honest, ...made.slice(-1)), ['accepted'])
})

test('a state of more unknown events than may be asked for is not asked for', async () => {
  const state = Array.from({ length: GAP_LIMITS.singleEvents + 1 }, (_, n) => unknown(n))
  const made: Event[] = []
  await using hs = await setUp({
    missingEvents: async () => made,
    stateIds: async () => ({ state, authChain: [] }),
    events: () => assert.fail('its events are asked for'),
  })
  made.push(hs.message('of the gap', [unknown(1)]))
  assert.deepEqual(await hs.receive(hostile, hs.message('the end', [made[0]?.eventId ?? unknown(2)])), ['missing'])
})

test('what was missing comes with a later event of a server that has it', async () => {
  const made: Event[] = []
  await using hs = await setUp({ missingEvents: async (server) => (server === honest ? made : []) })
  const lost = hs.message('lost')
  const after = hs.message('after it', [lost.eventId])
  assert.deepEqual(await hs.receive(hostile, after), ['missing'])
  made.push(lost, after)
  const later = hs.message('later', [after.eventId])
  assert.deepEqual(await hs.receive(honest, later), ['accepted'])
  assert.deepEqual(await hs.receive(hostile, lost, after, later), ['known', 'known', 'known'])
})

test('the same event from several servers at once is received once', async () => {
  await using hs = await setUp()
  const event = hs.message('to all')
  const servers = ['one', 'two', 'three'] as ServerName[]
  const kinds = await Promise.all(servers.map((server) => hs.receive(server, event)))
  assert.deepEqual(kinds.flat().sort(), ['accepted', 'known', 'known'])
  const entries = await hs.replica.storage.timelines.forwards(hs.room.nid, 0, hs.replica.storage.db.position, 100)
  const stored = await hs.replica.storage.events.byId(event.eventId)
  assert.equal(entries.filter(({ nid }) => nid === stored?.nid).length, 1)
})

test('one server has few questions under way, and all together not many', async () => {
  const turns = new GapTurns({ ...GAP_LIMITS, atOnceOfServer: 2, atOnce: 3 })
  const open: (() => void)[] = []
  let underWay: ServerName[] = []
  const ask = (server: ServerName) =>
    turns.run(server, async () => {
      underWay.push(server)
      await new Promise<void>((resolve) => open.push(resolve))
      underWay = underWay.toSpliced(underWay.indexOf(server), 1)
    })
  const asked = [hostile, hostile, hostile, hostile, honest, honest].map(ask)
  const rounds: string[] = []
  while (open.length > 0) {
    rounds.push(underWay.join(' '))
    open.shift()?.()
    await new Promise(setImmediate)
  }
  await Promise.all(asked)
  assert.ok(
    rounds.every((round) => round.split(' ').length <= 3 && round.split(hostile).length <= 3),
    rounds.join(),
  )
  assert.ok(rounds[0]?.includes(honest), 'a server with few questions does not wait for one with many')
})
