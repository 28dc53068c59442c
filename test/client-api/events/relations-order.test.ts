/** The pages of what relates to an event hold all of it once, in the order of the timeline, in both directions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, RoomId, UserId } from '../../../schemas/ids.ts'
import { RelatedEvents, type RelationsPage } from '../../../src/rooms/relations.ts'
import { Random } from '../../support/random.ts'
import { type Client, roomServer } from '../../support/room-server.ts'

interface Page {
  readonly chunk: readonly { event_id: string }[]
  readonly next_batch?: string
}

interface Sent {
  readonly eventId: string
  readonly type: string
  /** How far it is from the root: 1 for what relates to the root itself. */
  readonly depth: number
}

/** All pages, one after another. */
async function pages(client: Client, room: string, rest: string, query: Record<string, string>): Promise<string[]> {
  const found: string[] = []
  for (let from: string | undefined, count = 0; ; count++) {
    assert.ok(count < 200, 'the pages have no end')
    const parameters = new URLSearchParams({ ...query, ...(from !== undefined && { from }) })
    const path = `/_matrix/client/v1/rooms/${room}/relations/${rest}?${parameters}`
    const { chunk, next_batch: next } = await client.ok<Page>('GET', path)
    found.push(...chunk.map((event) => event.event_id))
    if (next === undefined) return found
    from = next
  }
}

/** A thread: answers, and what relates to them, and to that, with other talk between. */
async function thread(random: Random, alice: Client, room: string, root: string): Promise<Sent[]> {
  const sent: Sent[] = []
  const relate = async (to: { eventId: string; depth: number }, relType: string, type: string) => {
    const relation = { rel_type: relType, event_id: to.eventId, ...(relType === 'm.annotation' && { key: String(sent.length) }) }
    const eventId = await alice.send(room, { body: 'child', 'm.relates_to': relation }, type)
    sent.push({ eventId, type, depth: to.depth + 1 })
  }
  for (let n = 0; n < 60; n++) {
    const target = random.chance(0.5) && sent.length > 0 ? random.pick(sent) : { eventId: root, depth: 0 }
    if (random.chance(0.2)) await alice.send(room, 'beside it')
    else if (target.depth === 0) await relate(target, 'm.thread', 'm.room.message')
    else await relate(target, 'm.annotation', 'm.reaction')
  }
  return sent
}

test('page by page, of any size, in both directions, with children of children or without', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  for (let seed = 1; seed <= 3; seed++) {
    const room = await alice.createRoom()
    const root = await alice.send(room, 'root')
    const sent = await thread(new Random(seed), alice, room, root)
    for (const [rest, recurse, isWanted] of [
      [root, 'false', ({ depth }: Sent) => depth === 1],
      [root, 'true', ({ depth }: Sent) => depth <= 3],
      [`${root}/m.annotation`, 'true', ({ type, depth }: Sent) => type === 'm.reaction' && depth <= 3],
      [`${root}/m.thread`, 'true', ({ type }: Sent) => type === 'm.room.message'],
    ] as const) {
      const expected = sent.filter(isWanted).map(({ eventId }) => eventId)
      for (const limit of ['1', '4', '100']) {
        const query = { recurse, limit }
        assert.deepEqual(await pages(alice, room, rest, { ...query, dir: 'f' }), expected, `forwards, ${rest}, ${limit}`)
        assert.deepEqual(
          await pages(alice, room, rest, { ...query, dir: 'b' }),
          expected.toReversed(),
          `backwards, ${rest}, ${limit}`,
        )
      }
    }
  }
})

test('where few are looked through at once, those that are not wanted do not hide what is behind them', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const root = await alice.send(room, 'root')
  const polls: string[] = []
  for (let n = 0; n < 20; n++) {
    const answer = { body: String(n), 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
    if (n % 9 === 0) polls.push(await alice.send(room, answer, 'org.example.poll'))
    else await alice.send(room, answer)
  }
  const relatedEvents = new RelatedEvents({ ...hs.storage, ...hs.core, ...hs.rooms }, 5)
  const viewer = { userId: alice.id as UserId, userNid: (await hs.storage.names.find(alice.id)) ?? 0 }
  for (const recurse of [false, true]) {
    const found: string[] = []
    let page: RelationsPage | undefined
    do {
      const wanted = { direction: 'b', from: page?.next, limit: 10, recurse, eventType: 'org.example.poll' } as const
      page = await relatedEvents.page(viewer, room as RoomId, root as EventId, wanted)
      found.push(...page.events.map(({ eventId }) => eventId))
    } while (page.next !== undefined)
    assert.deepEqual(found, polls.toReversed())
  }
})
