/** https://spec.matrix.org/v1.19/client-server-api/#spaces */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testFederation, testHomeserver } from '../../support/homeserver.ts'
import { call, type TestUser } from '../../support/user.ts'

const space = (user: TestUser, name: string, more: JsonObject = {}) =>
  user.createRoom({ preset: 'public_chat', name, creation_content: { type: 'm.space' }, ...more })
const openRoom = (user: TestUser, name: string) => user.createRoom({ preset: 'public_chat', name })
const add = (user: TestUser, parent: string, child: string, content: JsonObject = {}) =>
  user.setState(parent, 'm.space.child', { via: [user.id.slice(user.id.indexOf(':') + 1)], ...content }, child)

const hierarchy = (user: TestUser, root: string, query = '') =>
  user.ok('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(root)}/hierarchy${query}`)
const namesOf = (page: JsonObject): unknown[] => (page['rooms'] as JsonObject[]).map(({ name }) => name)

const path = (room: string) => `/_matrix/client/v1/room_summary/${encodeURIComponent(room)}`

test('a space is walked in order, down to a depth, in pages, and without what is closed', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const root = await space(alice, 'root')
  const inner = await space(alice, 'inner')
  const closed = await alice.createRoom({ name: 'closed' })
  await add(alice, root, await openRoom(alice, 'second'), { order: 'b', suggested: true })
  await add(alice, root, inner, { order: 'a' })
  await add(alice, inner, await openRoom(alice, 'leaf'))
  await add(alice, root, closed)
  await add(alice, inner, root)
  assert.deepEqual(namesOf(await hierarchy(bob, root)), ['root', 'inner', 'leaf', 'second'])
  assert.deepEqual(namesOf(await hierarchy(alice, root)), ['root', 'inner', 'leaf', 'second', 'closed'])
  assert.deepEqual(namesOf(await hierarchy(bob, root, '?max_depth=1')), ['root', 'inner', 'second'])
  assert.deepEqual(namesOf(await hierarchy(bob, root, '?suggested_only=true')), ['root', 'second'])
  const first = await hierarchy(bob, root, '?limit=3')
  assert.deepEqual(namesOf(first), ['root', 'inner', 'leaf'])
  const rest = await hierarchy(bob, root, `?limit=3&from=${String(first['next_batch'])}`)
  assert.deepEqual(namesOf(rest), ['second'])
  assert.equal(rest['next_batch'], undefined)
  const changed = `/_matrix/client/v1/rooms/${encodeURIComponent(root)}/hierarchy?from=${String(first['next_batch'])}&max_depth=1`
  await bob.refused(400, 'M_INVALID_PARAM', 'GET', changed)
  await bob.refused(403, 'M_FORBIDDEN', 'GET', `/_matrix/client/v1/rooms/${encodeURIComponent(closed)}/hierarchy`)
})

test('no hierarchy shows a room to whom it has banned; a summary of an open one says so', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const root = await space(alice, 'root')
  const inner = await space(alice, 'inner')
  await add(alice, root, inner)
  await add(alice, inner, await openRoom(alice, 'leaf'))
  await alice.ban(inner, bob.id)
  assert.deepEqual(namesOf(await hierarchy(bob, root)), ['root'])
  await bob.refused(403, 'M_FORBIDDEN', 'GET', `/_matrix/client/v1/rooms/${encodeURIComponent(inner)}/hierarchy`)
  assert.equal((await bob.ok('GET', path(inner)))['membership'], 'ban')
  const closed = await alice.createRoom({ name: 'closed' })
  await alice.ban(closed, bob.id)
  await bob.refused(404, 'M_NOT_FOUND', 'GET', path(closed))
  await alice.unban(inner, bob.id)
  assert.deepEqual(namesOf(await hierarchy(bob, root)), ['root', 'inner', 'leaf'])
})

test('a summary shows a room to those who may come into it, on all of its paths', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const open = await alice.createRoom({ preset: 'public_chat', name: 'Open', room_alias_name: 'open' })
  const closed = await alice.createRoom({ name: 'Closed' })
  const restricted = await alice.createRoom({
    name: 'Restricted',
    initial_state: [
      {
        type: 'm.room.join_rules',
        state_key: '',
        content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: open }] },
      },
    ],
  })
  const summary = await bob.ok('GET', path(`#open:${server.name}`))
  assert.deepEqual(
    [summary['room_id'], summary['name'], summary['num_joined_members'], summary['join_rule'], summary['membership']],
    [open, 'Open', 1, 'public', 'leave'],
  )
  const id = encodeURIComponent(open)
  for (const unstable of [`summary/${id}`, `rooms/${id}/summary`])
    assert.equal((await bob.ok('GET', `/_matrix/client/unstable/im.nheko.summary/${unstable}`))['name'], 'Open')
  assert.equal((await call(server, 'GET', path(open))).body['name'], 'Open')
  await bob.refused(404, 'M_NOT_FOUND', 'GET', path(closed))
  await bob.refused(404, 'M_NOT_FOUND', 'GET', path(restricted))
  await bob.join(open)
  assert.deepEqual((await bob.ok('GET', path(restricted)))['allowed_room_ids'], [open])
  await alice.invite(closed, bob.id)
  assert.equal((await bob.ok('GET', path(closed)))['membership'], 'invite')
})

test('spaces and rooms of other servers are asked for', async () => {
  await using servers = await testFederation(2)
  const [one, two] = servers
  assert.ok(one && two)
  const [alice, bob] = [await one.user('alice'), await two.user('bob')]
  const remote = await space(bob, 'remote space')
  await add(bob, remote, await openRoom(bob, 'remote room'))
  await add(bob, remote, await bob.createRoom({ name: 'remote secret' }))
  const root = await space(alice, 'root')
  await add(alice, root, remote, { via: [two.name] })
  assert.deepEqual(namesOf(await hierarchy(alice, root)), ['root', 'remote space', 'remote room'])
  assert.equal((await alice.ok('GET', `${path(remote)}?via=${two.name}`))['room_type'], 'm.space')
  await alice.refused(404, 'M_NOT_FOUND', 'GET', path('!nothing:hs2.test'))
})

test('rooms that two users share', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await openRoom(alice, 'shared')
  await openRoom(alice, 'not shared')
  await bob.join(room)
  const mutual = '/_matrix/client/v1/mutual_rooms?user_id='
  assert.deepEqual(await alice.ok('GET', `${mutual}${bob.id}`), { joined: [room], count: 1 })
  assert.deepEqual(await alice.ok('GET', `${mutual}@nobody:${server.name}`), { joined: [], count: 0 })
  await alice.refused(400, 'M_INVALID_PARAM', 'GET', `${mutual}${alice.id}`)
})
