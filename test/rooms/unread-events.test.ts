import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type UnreadEvent, UnreadEvents } from '../../src/rooms/unread-events.ts'

const MAX_UNREAD = 1_000

/** The same, counted anew for each question. */
class Model {
  unread: UnreadEvent[] = []
  readonly read = new Map<string, number>()

  add(event: UnreadEvent): void {
    if (event.position <= Math.max(this.read.get('') ?? 0, this.read.get(event.thread) ?? 0)) return
    this.unread = [...this.unread, event].slice(-MAX_UNREAD)
  }

  readUpTo(thread: string, position: number): void {
    this.read.set(thread, Math.max(position, this.read.get(thread) ?? 0))
    const isRead = (event: UnreadEvent) => event.position <= position && (thread === '' || event.thread === thread)
    this.unread = this.unread.filter((event) => !isRead(event))
  }

  total = () => countsOf(this.unread)

  byThread = () => new Map([...Map.groupBy(this.unread, ({ thread }) => thread)].map(([thread, of]) => [thread, countsOf(of)]))
}

const countsOf = (events: readonly UnreadEvent[]) => ({
  notifications: events.length,
  highlights: events.filter(({ highlight }) => highlight).length,
})

const thread = fc.constantFrom('main', '$a', '$b')
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ add: fc.integer({ min: 1, max: 900 }), thread, highlights: fc.integer({ min: 1, max: 5 }) }),
  },
  fc.record({ read: fc.integer({ min: 0, max: 2_000 }), thread: fc.oneof(thread, fc.constant('')) }),
  fc.record({ forget: fc.integer({ min: 0, max: 2_000 }) }),
)

test('unread events are counted as they come, are read and are redacted, the last thousand of them', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const events = new UnreadEvents()
      const model = new Model()
      let position = 0
      for (const each of steps) {
        if ('add' in each) {
          for (let i = 0; i < each.add; i++) {
            const event = { nid: ++position, position, thread: each.thread, highlight: i % each.highlights === 0 }
            events.add(event)
            model.add(event)
          }
        } else if ('read' in each) {
          events.read(each.thread, Math.max(0, position - each.read))
          model.readUpTo(each.thread, Math.max(0, position - each.read))
        } else {
          events.forget(position - each.forget)
          model.unread = model.unread.filter(({ nid }) => nid !== position - each.forget)
        }
        assert.deepEqual(events.total(), model.total())
        assert.deepEqual(new Map(events.byThread()), model.byThread())
        assert.equal(events.isEmpty, model.unread.length === 0)
        assert.equal(
          events.has(position),
          model.unread.some(({ nid }) => nid === position),
        )
      }
    }),
    { numRuns: 60 },
  )
})
