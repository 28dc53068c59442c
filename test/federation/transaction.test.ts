import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, RoomId, ServerName, UserId } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { openStorage } from '../../src/app/storage.ts'
import { badJson } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { RoomAccess } from '../../src/federation/inbound/access.ts'
import { type EduHandlers, EduReceiver } from '../../src/federation/inbound/edus.ts'
import type { RescindedInvites } from '../../src/federation/inbound/rescinded-invites.ts'
import { TransactionReceiver } from '../../src/federation/inbound/transaction.ts'
import { PduChecks } from '../../src/federation/pdus.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import type { Event } from '../../src/protocol/event.ts'
import { roomRules } from '../../src/protocol/room-versions.ts'
import type { RoomHeads } from '../../src/rooms/heads.ts'
import type { Verdict } from '../../src/rooms/receive.ts'
import { FakeClock } from '../support/clock.ts'

const ORIGIN = 'remote.test' as ServerName
const rules = roomRules('10')
assert.ok(rules)

interface Fakes {
  receive?: (roomId: RoomId, events: readonly Event[]) => Promise<Verdict[]>
  isAllowed?: boolean
  isIn?: boolean
  isSigned?: (pdu: Json) => boolean
  handlers?: EduHandlers
}

/** A receiver over real storage; what lies behind it is made up. */
async function setUp(fakes: Fakes = {}) {
  const storage = openStorage(':memory:')
  const received: { roomId: RoomId; events: readonly Event[] }[] = []
  const accept = async (roomId: RoomId, events: readonly Event[]): Promise<Verdict[]> => {
    received.push({ roomId, events })
    return events.map(() => ({ kind: 'known' }))
  }
  const { isAllowed = true, isIn = true, isSigned = () => true, handlers = {}, receive = accept } = fakes
  const access = { isAllowed: async () => isAllowed, isIn: async () => isIn } as unknown as RoomAccess
  for (const roomId of ['!one:ours.test', '!two:ours.test'] as RoomId[])
    await storage.db.write((batch) => storage.rooms.create(batch, roomId, rules ?? assert.fail()))
  const open = () =>
    new TransactionReceiver({
      ...storage,
      serverName: 'ours.test' as ServerName,
      clock: new FakeClock(1_000_000),
      receiver: { receive: (_origin, room, events) => receive(room.roomId, events) },
      access,
      heads: { get: async () => ({ extremities: [], stateRoot: 0 }) } as unknown as RoomHeads,
      guests: { applySince: async () => {} },
      pduChecks: new PduChecks(async (events) =>
        events.map(({ pdu }) =>
          isSigned(pdu) ? { kind: 'valid' } : { kind: 'invalid', server: ORIGIN, fault: 'wrong-signature' },
        ),
      ),
      edus: new EduReceiver({ handlers, log: silentLogger }),
      rescinded: { take: async () => false } as unknown as RescindedInvites,
      settled: async () => {},
    })
  return { receiver: open(), open, received, [Symbol.asyncDispose]: () => storage.db[Symbol.asyncDispose]() }
}

function message(roomId: string, body: string): Event {
  const event = buildEvent(
    {
      type: 'm.room.message',
      sender: '@u:remote.test' as UserId,
      roomId: roomId as RoomId,
      content: { body },
      originServerTs: 1,
      depth: 5,
      prevEvents: [],
      authEvents: [],
    },
    rules ?? assert.fail(),
  )
  return { ...event, pdu: { ...event.pdu, signatures: {} } }
}

const edu = (type: string, content: JsonObject) => ({ edu_type: type, content })

test('a repeated transaction gets the same answer and is not received again', async () => {
  await using hs = await setUp()
  const event = message('!one:ours.test', 'hello')
  const expected = { pdus: { [event.eventId]: {} } }
  const twice = await Promise.all([1, 2].map(() => hs.receiver.receive(ORIGIN, 't1', { pdus: [event.pdu] })))
  assert.deepEqual(JSON.parse(JSON.stringify(twice)), [expected, expected])
  assert.deepEqual(await hs.open().receive(ORIGIN, 't1', { pdus: [event.pdu] }), expected)
  assert.equal(hs.received.length, 1)
  await hs.receiver.receive('other.test' as ServerName, 't1', { pdus: [event.pdu] })
  assert.equal(hs.received.length, 2, 'transaction ids are those of one server')
})

test('bad PDUs do not harm the good ones beside them', async () => {
  const forged = message('!one:ours.test', 'forged')
  await using hs = await setUp({ isSigned: (pdu) => (pdu as JsonObject)['content'] !== forged.pdu['content'] })
  const good = message('!one:ours.test', 'good')
  const pdus: Json[] = [7, {}, { room_id: '!one:ours.test' }, { room_id: 'nonsense' }, forged.pdu, good.pdu]
  const answer = await hs.receiver.receive(ORIGIN, 't', { pdus })
  assert.deepEqual(Object.keys(answer.pdus).sort(), [forged.eventId, good.eventId].sort())
  assert.deepEqual(answer.pdus[good.eventId], {})
  assert.match(answer.pdus[forged.eventId]?.error ?? '', /signature/)
  assert.deepEqual(
    hs.received.flatMap(({ events }) => events.map(({ eventId }) => eventId)),
    [good.eventId],
  )
})

test('an event whose content does not fit its hash is received redacted', async () => {
  await using hs = await setUp()
  const { pdu } = message('!one:ours.test', 'as it was')
  await hs.receiver.receive(ORIGIN, 't', { pdus: [{ ...pdu, content: { body: 'as it is' } }] })
  assert.deepEqual(hs.received[0]?.events[0]?.content, {})
})

for (const [name, fakes, reason] of [
  ['that the room denies', { isAllowed: false }, /access control/],
  ['for a room that we are not in', { isIn: false }, /not in the room/],
] as const) {
  test(`events of a server ${name} are refused one by one`, async () => {
    await using hs = await setUp(fakes)
    const event = message('!one:ours.test', 'hello')
    const answer = await hs.receiver.receive(ORIGIN, 't', { pdus: [event.pdu] })
    assert.match(answer.pdus[event.eventId]?.error ?? '', reason)
    assert.equal(hs.received.length, 0)
  })
}

test('events of one room come in order, and no room waits for another', async () => {
  const [a, b, c] = [message('!one:ours.test', 'a'), message('!two:ours.test', 'b'), message('!one:ours.test', 'c')]
  const order: EventId[] = []
  const other = Promise.withResolvers<void>()
  await using hs = await setUp({
    receive: async (roomId, events) => {
      if (roomId === '!one:ours.test') await other.promise
      for (const { eventId } of events) order.push(eventId)
      other.resolve()
      return events.map(() => ({ kind: 'missing', why: 'no' }))
    },
  })
  const answer = await hs.receiver.receive(ORIGIN, 't', { pdus: [a.pdu, b.pdu, c.pdu] })
  assert.deepEqual(order, [b.eventId, a.eventId, c.eventId])
  assert.deepEqual(answer.pdus[c.eventId], { error: 'no' })
})

test('EDUs speak for users of their origin only, and a bad one does not stop the next', async () => {
  const seen: unknown[] = []
  const handlers: EduHandlers = {
    'm.typing': async (_origin, content) => void seen.push(content['user_id']),
    'm.direct_to_device': async (_origin, { sender }) => {
      seen.push(sender)
      throw badJson()
    },
  }
  await using hs = await setUp({ handlers })
  await hs.receiver.receive(ORIGIN, 't', {
    edus: [
      edu('m.typing', { user_id: '@victim:other.test' }),
      edu('m.direct_to_device', { sender: '@victim:other.test' }),
      edu('m.direct_to_device', { sender: '@a:remote.test' }),
      edu('constructor', {}),
      'nonsense',
      edu('m.typing', { user_id: '@b:remote.test' }),
    ],
  })
  assert.deepEqual(seen, ['@a:remote.test', '@b:remote.test'])
})
