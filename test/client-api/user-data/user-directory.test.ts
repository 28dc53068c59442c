/** https://spec.matrix.org/v1.19/client-server-api/#user-directory */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOf } from '../../../src/core/words.ts'
import { testFederation, testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'

async function found(searcher: TestUser, term: string): Promise<string[]> {
  const { results } = await searcher.ok('POST', 'user_directory/search', { search_term: term })
  return (results as { user_id: string }[]).map(({ user_id: userId }) => userId)
}

const rename = (user: TestUser, name: string) => user.ok('PUT', `profile/${user.id}/displayname`, { displayname: name })

test('users are found in public rooms and in shared rooms, for as long as they are in them', async () => {
  await using server = await testHomeserver()
  const [alice, bob, carol] = await server.users('alice', 'bob', 'carol')
  await rename(alice, 'Alice Liddell')
  const shared = await alice.createRoom({ invite: [bob.id] })
  assert.deepEqual(await found(bob, 'liddell'), [])
  await bob.join(shared)
  assert.deepEqual(await found(bob, 'LIDD'), [alice.id])
  assert.deepEqual(await found(bob, 'alice:test.example'), [alice.id])
  assert.deepEqual(await found(carol, 'liddell'), [])
  const open = await alice.createRoom({ preset: 'public_chat' })
  assert.deepEqual(await found(carol, 'liddell'), [alice.id])
  await rename(alice, 'Alice Hargreaves')
  assert.deepEqual(await found(carol, 'liddell'), [])
  assert.deepEqual(await found(carol, 'hargreaves'), [alice.id])
  await alice.setState(open, 'm.room.join_rules', { join_rule: 'invite' })
  assert.deepEqual(await found(carol, 'hargreaves'), [])
  await bob.leave(shared)
  assert.deepEqual(await found(bob, 'hargreaves'), [])
})

test('names in scripts without spaces are found by a part of them, and a limit is kept', async () => {
  await using server = await testHomeserver()
  const [alice, bob, carol] = await server.users('alice', 'bob', 'carol')
  for (const [user, name] of [
    [alice, '山田太郎'],
    [bob, '山田花子'],
  ] as const) {
    await rename(user, name)
    await user.createRoom({ preset: 'public_chat' })
  }
  assert.deepEqual(await found(carol, '太郎'), [alice.id])
  assert.deepEqual((await found(carol, '山田')).sort(), [alice.id, bob.id])
  const { results, limited } = await carol.ok('POST', 'user_directory/search', { search_term: '山田', limit: 1 })
  assert.deepEqual([(results as unknown[]).length, limited], [1, true])
  assert.deepEqual(await found(carol, '"*('), [])
})

test('a name that a user has in one room only is not their name', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await alice.setState(room, 'm.room.member', { membership: 'join', displayname: 'Secret Agent' }, alice.id)
  assert.deepEqual(await found(bob, 'secret'), [])
  assert.deepEqual(await found(bob, 'alice'), [alice.id])
})

test('users of other servers are found by the names that they have in rooms', async () => {
  await using servers = await testFederation(2)
  const [one, two] = servers
  assert.ok(one && two)
  const [alice, bob] = [await one.user('alice'), await two.user('bob')]
  await rename(bob, 'Robert the Remote')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room, one.name)
  await alice.syncUntil((sync) => sync.rooms.join[room]?.timeline.events.find(({ sender }) => sender === bob.id))
  assert.deepEqual(await found(alice, 'remote'), [bob.id])
})

test('words', () => {
  assert.deepEqual(wordsOf('Ｆull-width and ÉTÉ'), ['full', 'width', 'and', 'été'])
  assert.deepEqual(wordsOf('東京tower'), ['東', '京', 'tower'])
})
