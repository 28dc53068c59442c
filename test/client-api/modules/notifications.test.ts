/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testFederation, testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'

interface Seen {
  readonly room_id: string
  readonly actions: unknown[]
  readonly read: boolean
  readonly ts: number
  readonly event: { content: JsonObject; type: string }
}

async function pageOf(user: TestUser, query = ''): Promise<{ notifications: Seen[]; next_token?: string }> {
  return (await user.ok('GET', `notifications${query}`)) as unknown as { notifications: Seen[]; next_token?: string }
}

/** The bodies and whether they are read, the newest first. */
async function told(user: TestUser, query = '') {
  return (await pageOf(user, query)).notifications.map(({ event, read }) => [event.content['body'], read])
}

async function together(...rooms: number[]) {
  const stack = new AsyncDisposableStack()
  const hs = stack.use(await testHomeserver())
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  const made = []
  for (const _ of rooms) {
    const room = await bob.createRoom({ preset: 'public_chat' })
    await bob.send(room, 'before Alice')
    await alice.join(room)
    made.push(room)
  }
  return { hs, alice, bob, rooms: made, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('what a user is notified about is listed over all rooms, the newest first', async () => {
  await using world = await together(1, 2)
  const { alice, bob } = world
  const [one, two] = world.rooms as [string, string]
  await bob.send(one, '1')
  await bob.send(two, '2')
  await bob.send(one, { msgtype: 'm.notice', body: 'a notice' })
  await alice.send(two, 'of her own')
  await bob.send(one, '3')
  await bob.setState(one, 'm.room.topic', { topic: 'no message' })
  const { notifications, next_token: next } = await pageOf(alice)
  assert.deepEqual(
    notifications.map(({ room_id: room, event }) => [room, event.content['body']]),
    [
      [one, '3'],
      [two, '2'],
      [one, '1'],
    ],
  )
  assert.equal(next, undefined)
  const [first] = notifications
  assert.deepEqual(first?.actions, ['notify', { set_tweak: 'sound', value: 'default' }])
  assert.ok(first && first.ts > 0 && !('room_id' in first.event))
  assert.deepEqual(await told(bob), [['of her own', false]])
})

test('they are read with the receipt, or what the user says after them', async () => {
  await using world = await together(1)
  const { alice, bob } = world
  const [room] = world.rooms as [string]
  const [first, second] = [await bob.send(room, '1'), await bob.send(room, '2')]
  assert.deepEqual(await told(alice), [
    ['2', false],
    ['1', false],
  ])
  await alice.ok('POST', `rooms/${encodeURIComponent(room)}/receipt/m.read/${encodeURIComponent(first)}`, {})
  assert.deepEqual(await told(alice), [
    ['2', false],
    ['1', true],
  ])
  await alice.send(room, 'an answer')
  assert.deepEqual(await told(alice), [
    ['2', true],
    ['1', true],
  ])
  await bob.ok('PUT', `rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(second)}/r`, {})
  assert.deepEqual(await told(alice), [['1', true]])
  await world.hs.restart()
  assert.deepEqual(await told(alice), [['1', true]])
})

test('pages follow one another, and highlights are found among others', async () => {
  await using world = await together(1, 2, 3)
  const { alice, bob, rooms } = world
  const sent: string[] = []
  for (let number = 0; number < 12; number++) {
    const mention = number % 4 === 0 ? { 'm.mentions': { user_ids: [alice.id] } } : {}
    await bob.send(rooms[number % 3] ?? '', { msgtype: 'm.text', body: `${number}`, ...mention })
    sent.unshift(`${number}`)
  }
  const found: unknown[] = []
  let query = '?limit=5'
  for (let pages = 1; ; pages++) {
    const { notifications, next_token: next } = await pageOf(alice, query)
    found.push(...notifications.map(({ event }) => event.content['body']))
    if (next === undefined) {
      assert.equal(pages, 3)
      break
    }
    query = `?limit=5&from=${next}`
  }
  assert.deepEqual(found, sent)
  assert.deepEqual(
    (await told(alice, '?only=highlight')).map(([body]) => body),
    ['8', '4', '0'],
  )
  await alice.refused(400, 'M_INVALID_PARAM', 'GET', 'notifications?from=nonsense')
  await alice.ok('PUT', `user/${alice.id}/account_data/m.ignored_user_list`, { ignored_users: { [bob.id]: {} } })
  assert.deepEqual(await pageOf(alice), { notifications: [] })
})

test('rooms that the user has left since are among them, up to there, until they are forgotten', async () => {
  await using world = await together(1, 2)
  const { hs, alice, bob } = world
  const [one, two] = world.rooms as [string, string]
  const mention = (body: string) => ({ msgtype: 'm.text', body, 'm.mentions': { user_ids: [alice.id] } })
  const first = await bob.send(one, '1')
  await bob.send(two, '2')
  await bob.send(one, mention('3'))
  await alice.ok('POST', `rooms/${encodeURIComponent(one)}/receipt/m.read/${encodeURIComponent(first)}`, {})
  await alice.ok('PUT', `profile/${alice.id}/displayname`, { displayname: 'Alice in Wonderland' })
  await bob.send(one, '4')
  await alice.leave(one)
  await bob.send(one, 'after Alice')
  await bob.send(two, '5')
  const all = [
    ['5', false],
    ['4', false],
    ['3', false],
    ['2', false],
    ['1', true],
  ]
  assert.deepEqual(await told(alice), all)
  await bob.ban(two, alice.id)
  await bob.ban(one, alice.id)
  await hs.restart()
  assert.deepEqual(await told(alice), all)
  const { notifications, next_token: next } = await pageOf(alice, '?limit=2')
  assert.equal(notifications.length, 2)
  assert.deepEqual(await told(alice, `?from=${next}`), all.slice(2))
  assert.deepEqual(await told(alice, '?only=highlight'), [['3', false]])
  await alice.ok('POST', `rooms/${encodeURIComponent(one)}/forget`, {})
  assert.deepEqual(await told(alice), [
    ['5', false],
    ['2', false],
  ])
})

test('an invite is among them until it is answered, unless it is hidden', async () => {
  await using world = await together()
  const { alice, bob } = world
  const room = await bob.createRoom({ invite: [alice.id] })
  const { notifications } = await pageOf(alice)
  assert.deepEqual(
    notifications.map(({ room_id: roomId, event, read }) => [roomId, event.content['membership'], read]),
    [[room, 'invite', false]],
  )
  const ignore = (users: JsonObject) =>
    alice.ok('PUT', `user/${alice.id}/account_data/m.ignored_user_list`, { ignored_users: users })
  await ignore({ [bob.id]: {} })
  assert.deepEqual(await told(alice), [])
  await ignore({})
  await alice.leave(room)
  assert.deepEqual(await told(alice), [])
})

test('an invite to a room of another server is among them', async () => {
  await using servers = await testFederation(2)
  const [hs1, hs2] = servers
  assert.ok(hs1 && hs2)
  const [alice, bob] = [await hs1.user('alice'), await hs2.user('bob')]
  const room = await bob.createRoom({ invite: [alice.id] })
  await alice.syncUntil(({ rooms }) => rooms.invite[room])
  assert.deepEqual(
    (await pageOf(alice)).notifications.map(({ room_id: roomId }) => roomId),
    [room],
  )
})
