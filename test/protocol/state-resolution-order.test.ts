import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { EventId } from '../../schemas/ids.ts'
import type { Event } from '../../src/protocol/event.ts'
import { byTimeThenId } from '../../src/protocol/state-resolution/events.ts'
import { Heap } from '../../src/core/heap.ts'
import { mainlineOrder } from '../../src/protocol/state-resolution/mainline.ts'
import { isPowerEvent, sortPowerEvents, topologicalOrder } from '../../src/protocol/state-resolution/power-sort.ts'
import { makeEvent, Room, rulesOf, userId } from '../support/dag.ts'

const event = (eventId: string, originServerTs = 0): Event =>
  makeEvent(rulesOf('11'), { type: 'test', sender: userId('alice'), content: {}, eventId: eventId as EventId, originServerTs })

test('a heap hands out the smallest first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (values) => {
      const heap = new Heap<number>((x, y) => x - y)
      for (const value of values) heap.push(value)
      const out: number[] = []
      for (let value = heap.pop(); value !== undefined; value = heap.pop()) out.push(value)
      assert.deepEqual(
        out,
        values.toSorted((x, y) => x - y),
      )
    }),
  )
})

test('ties are broken by time, then by the bytes of the id', () => {
  const sorted = [
    event('$b', 2),
    event('$a', 3),
    event('$\u{1f600}', 1),
    event('$\uff5e', 1),
    event('$Z', 1),
    event('$a', 1),
    event('$-', 1),
    event('$_', 1),
  ]
  sorted.sort(byTimeThenId)
  assert.deepEqual(
    sorted.map(({ eventId }) => eventId),
    ['$-', '$Z', '$_', '$a', '$\uff5e', '$\u{1f600}', '$b', '$a'],
  )
  assert.equal(byTimeThenId(event('$a'), event('$a')), 0)
})

/** Orders a graph such as `{ l: 'o', m: 'n o' }`, in which what stands after a colon comes first; ties by name. */
function order(edges: Record<string, string>): string {
  const events = new Map(Object.keys(edges).map((name) => [name, event(name)]))
  const graph = new Map(
    Object.entries(edges).map(([name, cited]) => [
      events.get(name) ?? event(name),
      cited.split(' ').flatMap((other) => events.get(other) ?? []),
    ]),
  )
  return topologicalOrder(graph, byTimeThenId)
    .map(({ eventId }) => eventId)
    .join(' ')
}

test('a topological order takes the smallest of those that are ready', () => {
  assert.equal(order({ l: 'o', m: 'n o', n: 'o', o: '', p: 'o' }), 'o l n m p')
  assert.equal(order({ c: '', b: '', a: 'c' }), 'b c a')
  assert.equal(order({ d: 'b c', c: 'a', b: 'a', a: '' }), 'a b c d')
  assert.equal(order({}), '')
})

const kind = (type: string, stateKey: string | undefined, membership?: string): boolean =>
  isPowerEvent(
    makeEvent(rulesOf('11'), {
      type,
      stateKey,
      sender: userId('alice'),
      content: membership === undefined ? {} : { membership },
    }),
  )

test('power events are those that may take somebody’s abilities away', () => {
  assert.ok(kind('m.room.power_levels', ''))
  assert.ok(kind('m.room.join_rules', ''))
  assert.ok(kind('m.room.member', '@bob:a', 'leave'))
  assert.ok(kind('m.room.member', '@bob:a', 'ban'))
  assert.ok(!kind('m.room.member', '@alice:a', 'leave'))
  assert.ok(!kind('m.room.member', '@alice:a', 'ban'))
  assert.ok(!kind('m.room.member', '@bob:a', 'invite'))
  assert.ok(!kind('m.room.member', '@bob:a', 'join'))
  assert.ok(!kind('m.room.member', '@bob:a'))
  assert.ok(!kind('m.room.topic', ''))
  assert.ok(!kind('m.room.join_rules', undefined))
})

function powerOrder(room: Room, names: string[]): string {
  const set = new Map(names.map((name) => [room.id(name), room.event(name)]))
  return sortPowerEvents(set, room.sources.fetch)
    .map(({ eventId }) => eventId.slice(1))
    .join(' ')
}

test('the sender with more power comes first, by the event’s own auth events; then time, then id', () => {
  const room = new Room(
    '11',
    `C: alice creates
     A: alice joins
     P: alice power alice=100 bob=50 carol=50
     J: alice rule public
     B: bob joins
     K: carol joins
     B1: bob bans dora [at 9000]
     K2: carol bans eve [after K] [at 9000]
     K1: carol bans frank [after K] [at 8000]
     A1: alice bans gina [after K] [at 10000]`,
  )
  assert.equal(powerOrder(room, ['B1', 'K2', 'K1', 'A1']), 'A1 K1 B1 K2')
})

test('a basis comes before what it is cited by, and only power events draw others in', () => {
  const room = new Room(
    '11',
    `C: alice creates
     A: alice joins
     P1: alice power alice=100 bob=50
     J: alice rule public
     B: bob joins
     T: bob topic ignored [forced]
     P2: alice power alice=100 bob=50 carol=50
     K: carol joins
     K1: carol bans dora [at 1]
     P3: bob power alice=100 carol=50 [after P2] [at 2] [forced]`,
  )
  assert.equal(powerOrder(room, ['K1', 'P2', 'K', 'P3', 'T', 'B']), 'P2 B P3 K K1')
})

test('creators of version 12 have the most power, although their event is not among the auth events', () => {
  const room = new Room(
    '12',
    `C: alice creates {"additional_creators":["@zoe:a"]}
     A: alice joins
     P: alice power bob=9007199254740991
     J: alice rule public
     B: bob joins
     Z: zoe joins
     B1: bob bans dora [at 1]
     A1: alice bans eve [after Z] [at 9000]
     Z1: zoe bans frank [after Z] [at 8000]`,
  )
  assert.equal(powerOrder(room, ['B1', 'A1', 'Z1']), 'Z1 A1 B1')
})

test('without power levels the creator has 100 until version 11', () => {
  const room = new Room(
    '11',
    'C: alice creates\n A: alice joins\n J: alice rule public\n B: bob joins\n BL: bob kicks carol [at 1] [forced]\n AL: alice kicks dora',
  )
  assert.equal(powerOrder(room, ['BL', 'AL']), 'AL BL')
})

test('the mainline orders by the power levels that events are based on, earlier ones first', () => {
  const room = new Room(
    '11',
    `C: alice creates
     A: alice joins
     T0: alice topic none [at 99000]
     P1: alice power alice=100
     T1: alice topic one [at 98000]
     P2: alice power alice=100 bob=50
     T2: alice topic two [at 97000]
     P3: alice power alice=100 bob=60
     T3: alice topic three [at 5000]
     T3b: alice topic three-b [after P3] [at 4000]
     Q: alice power alice=100 carol=1 [after P1]
     TQ: alice topic aside [at 96000]`,
  )
  const ordered = (power: string | undefined, ...names: string[]) =>
    mainlineOrder(
      names.map((name) => room.event(name)),
      power === undefined ? undefined : room.event(power),
      room.sources.fetch,
    )
      .map(({ eventId }) => eventId.slice(1))
      .join(' ')
  assert.equal(ordered('P3', 'T3', 'T2', 'T1', 'T0', 'T3b', 'TQ'), 'T0 TQ T1 T2 T3b T3')
  assert.equal(ordered('P1', 'T3', 'T2', 'T1'), 'T3 T2 T1', 'all are based on P1 in the end: time decides')
  assert.equal(ordered(undefined, 'T3', 'T0', 'T2', 'T1'), 'T3 T2 T1 T0')
  assert.equal(ordered('Q', 'T3', 'TQ', 'T0'), 'T0 T3 TQ')
})

test('an event’s own place in the mainline does not count, only what it is based on', () => {
  const room = new Room(
    '11',
    'C: alice creates\n A: alice joins\n P1: alice power alice=100\n P2: alice power alice=100\n T: alice topic one [after P1] [at 1]',
  )
  const ordered = mainlineOrder([room.event('P2'), room.event('T')], room.event('P2'), room.sources.fetch)
  assert.deepEqual(
    ordered.map(({ eventId }) => eventId),
    ['$T', '$P2'],
  )
})

test('the mainline may be long', () => {
  const rules = rulesOf('11')
  const events = new Map<EventId, Event>()
  for (let index = 0; index < 50_000; index++) {
    const eventId = `$${index}` as EventId
    const authEvents = index === 0 ? [] : [`$${index - 1}` as EventId]
    events.set(
      eventId,
      makeEvent(rules, { type: 'm.room.power_levels', stateKey: '', sender: userId('alice'), content: {}, eventId, authEvents }),
    )
  }
  const at = (index: number) => events.get(`$${index}` as EventId) ?? assert.fail()
  const ordered = mainlineOrder([at(40_000), at(100), at(30_000)], at(49_999), (eventId) => events.get(eventId))
  assert.deepEqual(
    ordered.map(({ eventId }) => eventId),
    ['$100', '$30000', '$40000'],
  )
})
