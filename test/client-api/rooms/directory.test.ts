import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { callServer } from '../../http/support.ts'
import { type Client, roomServer } from '../../support/room-server.ts'
import { stateOf } from '../../support/rooms.ts'

interface List {
  readonly chunk: readonly JsonObject[]
  readonly next_batch?: string
  readonly prev_batch?: string
  readonly total_room_count_estimate: number
}

const at = (alias: string) => `directory/room/${encodeURIComponent(alias)}`
const publicRooms = (client: Client, body: JsonObject = {}) => client.ok<List>('POST', 'publicRooms', body)

test('an alias leads to its room until it is deleted', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  const alias = '#☕:ours.test'
  await bob.refused('M_FORBIDDEN', 'PUT', at(alias), { room_id: room })
  await alice.ok('PUT', at(alias), { room_id: room })
  assert.equal((await alice.call('PUT', at(alias), { room_id: room })).status, 409)
  const found = { room_id: room, servers: ['ours.test'] }
  assert.deepEqual((await callServer(hs.port, 'GET', `/_matrix/client/v3/${at(alias)}`)).json, found)
  assert.deepEqual(await alice.ok('GET', `rooms/${room}/aliases`), { aliases: [alias] })
  await alice.ok('PUT', `rooms/${room}/state/m.room.canonical_alias`, { alias, alt_aliases: [alias] })
  await bob.refused('M_FORBIDDEN', 'DELETE', at(alias))
  await alice.ok('DELETE', at(alias))
  assert.deepEqual(await stateOf(hs, room, 'm.room.canonical_alias'), { alt_aliases: [] })
  await alice.refused('M_NOT_FOUND', 'GET', at(alias))
  await alice.refused('M_NOT_FOUND', 'DELETE', at(alias))
  await alice.refused('M_INVALID_PARAM', 'PUT', at('#mine:elsewhere.test'), { room_id: room })
})

test('whoever made an alias may delete it, and so may moderators', async () => {
  await using hs = await roomServer()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await carol.join(room)
  await bob.ok('PUT', at('#one:ours.test'), { room_id: room })
  await bob.ok('PUT', at('#two:ours.test'), { room_id: room })
  await carol.refused('M_FORBIDDEN', 'DELETE', at('#one:ours.test'))
  await bob.ok('DELETE', at('#one:ours.test'))
  await alice.ok('DELETE', at('#two:ours.test'))
})

test('published rooms are listed with what they show of themselves', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({
    visibility: 'public',
    room_alias_name: 'pub',
    name: 'Pub',
    topic: 'All about wombles',
    creation_content: { type: 'org.example.bar' },
    initial_state: [
      { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      { type: 'm.room.guest_access', content: { guest_access: 'can_join' } },
      { type: 'm.room.avatar', content: { url: 'mxc://ours.test/a' } },
    ],
  })
  await alice.createRoom({ preset: 'public_chat', name: 'Not listed' })
  const plain = await alice.createRoom({ visibility: 'public' })
  await bob.join(room)
  const { chunk, total_room_count_estimate: total } = await publicRooms(bob)
  assert.equal(total, 2)
  assert.deepEqual(chunk, [
    {
      room_id: room,
      num_joined_members: 2,
      world_readable: true,
      guest_can_join: true,
      name: 'Pub',
      topic: 'All about wombles',
      canonical_alias: '#pub:ours.test',
      avatar_url: 'mxc://ours.test/a',
      join_rule: 'public',
      room_type: 'org.example.bar',
    },
    { room_id: plain, num_joined_members: 1, world_readable: false, guest_can_join: false, join_rule: 'public' },
  ])
  const ids = async (body: JsonObject) => (await publicRooms(bob, body)).chunk.map((entry) => entry['room_id'])
  assert.deepEqual(await ids({ filter: { generic_search_term: 'WOMBLES' } }), [room])
  assert.deepEqual(await ids({ filter: { room_types: [null] } }), [plain])
  assert.deepEqual(await ids({ filter: { room_types: ['org.example.bar'] } }), [room])
  assert.deepEqual((await bob.ok<List>('GET', 'publicRooms?server=ours.test')).chunk, chunk)
  assert.deepEqual((await publicRooms(bob, { third_party_instance_id: 'irc-example' })).chunk, [])
  assert.deepEqual((await publicRooms(bob, { third_party_instance_id: 'irc-example', include_all_networks: true })).chunk, chunk)
  assert.equal((await callServer(hs.port, 'GET', '/_matrix/client/v3/publicRooms')).status, 401)
})

test('the list is read forwards and backwards, each room once', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  for (let i = 0; i < 10; i++) await alice.createRoom({ visibility: 'public', name: `Room ${i}` })
  const pages: string[][] = []
  let since: string | undefined
  let back: string | undefined
  do {
    const page: List = await publicRooms(alice, { limit: 3, since: since ?? null })
    pages.push(page.chunk.map((entry) => String(entry['room_id'])))
    since = page.next_batch
    back = page.prev_batch
  } while (since !== undefined)
  assert.deepEqual(
    pages.map(({ length }) => length),
    [3, 3, 3, 1],
  )
  assert.equal(new Set(pages.flat()).size, 10)
  const backwards: string[][] = []
  while (back !== undefined) {
    const page: List = await publicRooms(alice, { limit: 3, since: back })
    backwards.unshift(page.chunk.map((entry) => String(entry['room_id'])))
    back = page.prev_batch
  }
  assert.deepEqual(backwards, pages.slice(0, 3))
  await alice.refused('M_INVALID_PARAM', 'GET', 'publicRooms?since=nonsense')
})

test('moderators publish a room and take it out of the list', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const path = `directory/list/room/${room}`
  assert.deepEqual(await bob.ok('GET', path), { visibility: 'private' })
  await bob.refused('M_FORBIDDEN', 'PUT', path, { visibility: 'public' })
  await alice.ok('PUT', path, {})
  assert.deepEqual(await bob.ok('GET', path), { visibility: 'public' })
  await alice.ok('PUT', path, { visibility: 'private' })
  assert.deepEqual((await publicRooms(bob)).chunk, [])
  await alice.refused('M_NOT_FOUND', 'GET', 'directory/list/room/!unknown:ours.test')
})

test('lists and aliases of other servers come from them', async () => {
  const chunk = [{ room_id: '!r:them.test', num_joined_members: 1, world_readable: false, guest_can_join: false }]
  const asked: unknown[] = []
  await using hs = await roomServer({
    remote: {
      publicRooms: async (server, query) => {
        asked.push([server, query])
        return { chunk }
      },
      resolveAlias: async (alias) =>
        alias.startsWith('#there') ? { roomId: '!r:them.test' as never, servers: ['them.test' as never] } : undefined,
    },
  })
  const alice = await hs.user('alice')
  assert.deepEqual(await alice.ok('POST', 'publicRooms?server=them.test', { limit: 2, filter: { room_types: null } }), { chunk })
  assert.deepEqual(asked, [['them.test', { limit: 2, filter: { room_types: null } }]])
  assert.deepEqual(await alice.ok('GET', at('#there:them.test')), { room_id: '!r:them.test', servers: ['them.test'] })
  await alice.refused('M_NOT_FOUND', 'GET', at('#nowhere:them.test'))
})
