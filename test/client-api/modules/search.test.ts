/** https://spec.matrix.org/v1.19/client-server-api/#server-side-search */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { SeenEvent, TestUser } from '../../support/user.ts'

interface Found extends JsonObject {
  count: number
  highlights: string[]
  results: { rank: number; result: SeenEvent; context: JsonObject }[]
}

async function find(user: TestUser, term: string, more: JsonObject = {}, from?: unknown): Promise<Found> {
  const path = from === undefined ? 'search' : `search?next_batch=${String(from)}`
  const body = { search_categories: { room_events: { search_term: term, order_by: 'recent', ...more } } }
  const { search_categories: categories } = await user.ok('POST', path, body)
  return (categories as JsonObject)['room_events'] as Found
}
const bodiesOf = ({ results }: Found): unknown[] => results.map(({ result }) => result.content['body'])

test('messages are found by their words, newest first, in pages, and not when they are redacted', async () => {
  await using server = await testHomeserver()
  const alice = await server.user('alice')
  const room = await alice.createRoom({ name: 'Zoo', topic: 'All about lemurs' })
  for (const body of ['A lemur', 'Two LEMUR tails', 'Other animals', 'Lemur food']) await alice.send(room, body)
  const first = await find(alice, 'lemur', { filter: { limit: 2 } })
  assert.deepEqual([bodiesOf(first), first.count, first.highlights], [['Lemur food', 'Two LEMUR tails'], 3, ['lemur']])
  const rest = await find(alice, 'lemur', { filter: { limit: 2 } }, first['next_batch'])
  assert.deepEqual([bodiesOf(rest), rest['next_batch']], [['A lemur'], undefined])
  assert.deepEqual(bodiesOf(await find(alice, 'tails lemur')), ['Two LEMUR tails'])
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', 'search', {
    search_categories: { room_events: { search_term: 'lemur', filter: { limit: 0 } } },
  })
  assert.deepEqual(bodiesOf(await find(alice, 'lemur', { filter: { rooms: ['!other:test.example'] } })), [])
  const [gone] = rest.results
  assert.ok(gone)
  await alice.ok('PUT', `rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(gone.result.event_id)}/t`, {})
  assert.equal((await find(alice, 'lemur')).results.length, 2)
  assert.equal((await find(alice, 'lemurs', { keys: ['content.topic'] })).results.length, 1)
  await alice.setState(room, 'm.room.topic', { topic: 'Old', 'm.topic': { 'm.text': [{ body: 'All about aye-ayes' }] } })
  for (const word of ['ayes', 'old']) assert.equal((await find(alice, word, { keys: ['content.topic'] })).results.length, 1, word)
  assert.equal((await find(alice, 'zoo', { keys: ['content.name'], order_by: 'rank' })).results.length, 1)
  assert.deepEqual((await find(alice, 'zoo', { keys: [] })).results, [], 'none of the keys is to be searched')
})

test('nobody finds what they may not see', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'joined' })
  await alice.send(room, 'secret before')
  assert.deepEqual(bodiesOf(await find(bob, 'secret')), [])
  await bob.join(room)
  await alice.send(room, 'secret during')
  await bob.leave(room)
  await alice.send(room, 'secret after')
  const found = await find(bob, 'secret')
  assert.deepEqual([bodiesOf(found), found.count], [['secret during'], 1], 'nor does he learn how much more there is')
  assert.equal((await find(alice, 'secret')).results.length, 3)
})

const wordy = (words: number) => Array.from({ length: words }, (_, i) => `lemur lemur${i}`).join(' ')

test('pages know how many matches there are in all; a term of too many words is refused', async () => {
  await using server = await testHomeserver()
  const alice = await server.user('alice')
  const room = await alice.createRoom()
  for (let i = 0; i < 5; i++) await alice.send(room, `lemur ${i}`)
  for (const order of ['recent', 'rank']) {
    const asked = { order_by: order, filter: { limit: 2 } }
    const first = await find(alice, 'lemur', asked)
    const second = await find(alice, 'lemur', asked, first['next_batch'])
    const third = await find(alice, 'lemur', asked, second['next_batch'])
    const pages = [first, second, third]
    assert.deepEqual(
      pages.map(({ count }) => count),
      [5, 5, 5],
    )
    assert.deepEqual(new Set(pages.flatMap(bodiesOf)).size, 5)
    assert.equal(third['next_batch'], undefined)
    const [token] = [String(first['next_batch']).replace(/^./, order === 'rank' ? 'n' : 'k')]
    const body = { search_categories: { room_events: { search_term: 'lemur', order_by: order } } }
    await alice.refused(400, 'M_INVALID_PARAM', 'POST', `search?next_batch=${token}`, body)
  }
  assert.equal((await find(alice, wordy(99))).count, 0)
  const body = { search_categories: { room_events: { search_term: wordy(100) } } }
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', 'search', body)
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', 'user_directory/search', { search_term: wordy(100) })
})

test('results come with what is around them, with state and in groups', async () => {
  await using server = await testHomeserver()
  const alice = await server.user('alice')
  const room = await alice.createRoom()
  for (const body of ['before', '探している言葉', 'after']) await alice.send(room, body)
  const found = await find(alice, '言葉', {
    event_context: { before_limit: 1, after_limit: 1, include_profile: true },
    include_state: true,
    groupings: { group_by: [{ key: 'room_id' }] },
  })
  const [result] = found.results
  assert.ok(result)
  const bodies = (key: string) => (result.context[key] as SeenEvent[]).map(({ content }) => content['body'])
  assert.deepEqual([bodies('events_before'), bodies('events_after')], [['before'], ['after']])
  assert.deepEqual(Object.keys(result.context['profile_info'] as JsonObject), [alice.id])
  const start = String((await find(alice, '言葉', { event_context: { before_limit: 0 } })).results[0]?.context['start'])
  const { chunk } = await alice.ok('GET', `rooms/${encodeURIComponent(room)}/messages?dir=b&limit=1&from=${start}`)
  assert.deepEqual(
    (chunk as SeenEvent[]).map(({ content }) => content['body']),
    ['before'],
  )
  assert.deepEqual(Object.keys(found['state'] as JsonObject), [room])
  const groups = (found['groups'] as JsonObject)['room_id'] as JsonObject
  assert.deepEqual((groups[room] as JsonObject)['results'], [result.result.event_id])
})

test('rooms that are encrypted are not searched', async () => {
  await using server = await testHomeserver()
  const alice = await server.user('alice')
  const [open, encrypted] = [await alice.createRoom({ name: 'Otters' }), await alice.createRoom({ name: 'More otters' })]
  await alice.setState(encrypted, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' })
  const { results } = await find(alice, 'otters')
  assert.deepEqual(
    results.map(({ result }) => result['room_id']),
    [open],
  )
})
