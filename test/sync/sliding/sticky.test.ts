/** MSC4480: sticky events in sliding sync. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'
import { listOf, type SlidingAnswer, type SlidingEvent, Slider } from './support.ts'

const STICKY = 'org.matrix.msc4354.sticky_events'

interface StickyPart {
  readonly next_batch: string
  readonly rooms: Record<string, { events: SlidingEvent[] }>
}

const partOf = (answer: SlidingAnswer) => answer.extensions[STICKY] as unknown as StickyPart | undefined
const idsOf = (part: StickyPart | undefined) =>
  Object.fromEntries(Object.entries(part?.rooms ?? {}).map(([room, { events }]) => [room, events.map(({ event_id: id }) => id)]))

let requests = 0

async function stick(user: TestUser, room: string): Promise<string> {
  const query = 'org.matrix.msc4354.sticky_duration_ms=600000'
  const path = `rooms/${encodeURIComponent(room)}/send/m.rtc.member/s${requests++}?${query}`
  return String((await user.ok('PUT', path, {}))['event_id'])
}

/** A list without a timeline. */
const asking = (extension: JsonObject, list: JsonObject = {}) =>
  listOf({ timeline_limit: 0, ...list }, { extensions: { [STICKY]: { enabled: true, ...extension } } })

async function setUp(hs: { users(...names: string[]): Promise<TestUser[]> }) {
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  return { alice, bob, room, slider: new Slider(bob) }
}

test('pages of sticky events, the oldest first, go on where the client says', async () => {
  await using hs = await testHomeserver()
  const { alice, room, slider } = await setUp(hs)
  const other = await alice.createRoom({ preset: 'public_chat' })
  const ids = [await stick(alice, room), await stick(alice, room), await stick(alice, room)]
  await stick(alice, other)
  const first = partOf(await slider.sync(asking({ limit: 2 })))
  assert.deepEqual(idsOf(first), { [room]: ids.slice(0, 2) })
  const again = partOf(await slider.sync(asking({ limit: 2 })))
  assert.deepEqual(idsOf(again), idsOf(first), 'without since it begins anew')
  const second = partOf(await slider.sync(asking({ limit: 2, since: first?.next_batch ?? '' })))
  assert.deepEqual(idsOf(second), { [room]: [ids[2]] })
  assert.equal(partOf(await slider.sync(asking({ since: second?.next_batch ?? '' }))), undefined)
  assert.ok(!(STICKY in (await slider.sync(listOf({}))).extensions))
  await slider.user.refused(400, 'M_INVALID_PARAM', 'POST', slider.path(), asking({ since: 'nonsense' }))
})

test('rooms outside of the windows count, the timeline is not repeated, and ignored users are not told of', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room, slider } = await setUp(hs)
  const carol = await hs.user('carol')
  await carol.join(room)
  await bob.ok('PUT', `user/${bob.id}/account_data/m.ignored_user_list`, { ignored_users: { [carol.id]: {} } })
  await stick(carol, room)
  const outside = await stick(alice, room)
  const newer = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(newer)
  const shown = await stick(alice, newer)
  const answer = await slider.sync(asking({}, { ranges: [[0, 0]], timeline_limit: 1 }))
  assert.deepEqual(Object.keys(answer.rooms), [newer])
  assert.equal(answer.rooms[newer]?.timeline?.[0]?.event_id, shown)
  assert.deepEqual(idsOf(partOf(answer)), { [room]: [outside] })
})

test('who comes into a room is told all that is sticky there; who waits is woken', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, slider } = await setUp(hs)
  const room = await alice.createRoom({ preset: 'public_chat' })
  const before = await stick(alice, room)
  await alice.send(room, 'after')
  const { next_batch: since } = await bob.sync()
  await slider.sync(asking({ since }))
  await bob.join(room)
  const joined = partOf(await slider.sync(asking({ since })))
  assert.deepEqual(idsOf(joined), { [room]: [before] })
  const next = { since: joined?.next_batch ?? '' }
  const waiting = slider.sync(asking(next), 30_000)
  const live = await stick(alice, room)
  assert.deepEqual(idsOf(partOf(await waiting)), { [room]: [live] })
})
