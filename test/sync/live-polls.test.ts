/** Polls that wait are told together what happens in rooms; each is told what it would be told alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { type Syncer, syncServer } from './support.ts'

const FILTERS: readonly JsonObject[] = [
  {},
  { room: { state: { lazy_load_members: true } } },
  { room: { state: { lazy_load_members: true, include_redundant_members: true } } },
  { room: { timeline: { not_types: ['m.reaction'], unread_thread_notifications: true } } },
]

interface Reader {
  readonly user: Syncer
  readonly query: Record<string, string>
  since: string
}

test('whoever waits is told what a request of their own would tell them', async () => {
  await using hs = await syncServer()
  const [alice, bob, carol, erin, ...others] = await hs.users(
    'alice',
    'bob',
    'carol',
    'erin',
    ...FILTERS.map((_, n) => `reader${n}`),
  )
  assert.ok(alice && bob && carol && erin)
  const room = await alice.createRoom({ preset: 'public_chat' })
  for (const user of [bob, carol, ...others]) await user.join(room)
  await carol.ok('PUT', `user/${carol.id}/account_data/m.ignored_user_list`, { ignored_users: { [erin.id]: {} } })
  const filters = new Map([...others.map((user, n) => [user, FILTERS[n] ?? {}] as const), [bob, {}], [carol, {}]])
  const readers = await Promise.all([...filters].map(([user, filter]) => readerOf(user, filter)))
  const first = others[0]
  assert.ok(first)
  let event = ''
  const say = async (user: Syncer, body: string) => (event = await user.send(room, body))
  const actions: readonly (() => Promise<unknown>)[] = [
    () => say(alice, 'one'),
    () => say(alice, 'two'),
    () => say(bob, 'reader0, three'),
    () => first.ok('POST', `rooms/${room}/receipt/m.read/${event}`, {}),
    () => say(alice, 'four'),
    () => say(alice, 'five'),
    () => first.ok('POST', `rooms/${room}/receipt/m.read.private/${event}`, {}),
    () => say(bob, 'six'),
    () => alice.ok('PUT', `rooms/${room}/typing/${alice.id}`, { typing: true, timeout: 30_000 }),
    () => alice.send(room, { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key: '+1' } }, 'm.reaction'),
    () => say(alice, 'seven'),
    () => alice.ok('PUT', `profile/${alice.id}/displayname`, { displayname: 'Alice' }),
    () => say(alice, 'eight'),
    () => erin.join(room),
    () => say(erin, 'nine'),
    () => say(erin, 'ten'),
    () => alice.send(room, { body: 'in a thread', 'm.relates_to': { rel_type: 'm.thread', event_id: event } }),
    () => erin.ok('POST', `rooms/${room}/leave`, {}),
    () => first.ok('PUT', 'pushrules/global/content/tea', { actions: ['notify', { set_tweak: 'highlight' }], pattern: 'tea' }),
    () => say(alice, 'tea'),
    () => say(bob, 'more tea'),
    () => alice.ok('PUT', `rooms/${room}/redact/${event}/r1`, {}),
    () => say(alice, 'the end'),
  ]
  for (const [index, act] of actions.entries()) await compare(index, readers, act)

  async function compare(index: number, all: readonly Reader[], act: () => Promise<unknown>): Promise<void> {
    const polls = all.map(({ user, query, since }) => user.syncFrom(since, { ...query, timeout: '30000' }))
    await hs.untilWaiting(all.length)
    await act()
    // Whom nothing was told of this is told that nothing has happened.
    hs.clock.later(30_000)
    for (const [n, reader] of all.entries()) {
      const told = await polls[n]
      assert.ok(told)
      const alone = await reader.user.syncFrom(reader.since, reader.query)
      if (alone.next_batch === told.next_batch)
        assert.deepEqual(withoutAges(told), withoutAges(alone), `${reader.user.id} after action ${index}`)
      reader.since = alone.next_batch
    }
  }
})

async function readerOf(user: Syncer, filter: JsonObject): Promise<Reader> {
  const query = { filter: JSON.stringify(filter) }
  return { user, query, since: (await user.syncFrom(undefined, query)).next_batch }
}

const withoutAges = (answer: object): unknown => JSON.parse(JSON.stringify(answer, (key, value) => (key === 'age' ? 0 : value)))
