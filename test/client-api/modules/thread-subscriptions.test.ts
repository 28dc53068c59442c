/** MSC4306 and MSC4308: threads that users follow. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import { openSocket } from '../../support/sync-socket.ts'
import type { TestUser } from '../../support/user.ts'
import { Slider } from '../../sync/sliding/support.ts'

const UNSTABLE = '/_matrix/client/unstable'
const EXTENSION = 'io.element.msc4308.thread_subscriptions'

/** The path of a user's subscription to a thread. */
const at = (room: string, root: string) =>
  `${UNSTABLE}/io.element.msc4306/rooms/${encodeURIComponent(room)}/thread/${encodeURIComponent(root)}/subscription`

const inThread = (root: string, body: string) => ({
  msgtype: 'm.text',
  body,
  'm.relates_to': { rel_type: 'm.thread', event_id: root },
})

/** Alice and Bob in a room with a thread of Alice's. */
async function threaded() {
  const stack = new AsyncDisposableStack()
  const hs = stack.use(await testHomeserver())
  const [alice, bob, carol] = (await hs.users('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const root = await alice.send(room, 'the root')
  return { hs, alice, bob, carol, room, root, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('users subscribe to threads that they may see, and unsubscribe', async () => {
  await using world = await threaded()
  const { alice, carol, room, root } = world
  const path = at(room, root)
  await alice.refused(404, 'M_NOT_FOUND', 'GET', path)
  await alice.ok('DELETE', path)
  await alice.ok('PUT', path, {})
  assert.deepEqual(await alice.ok('GET', path), { automatic: false })
  await alice.ok('DELETE', path)
  await alice.refused(404, 'M_NOT_FOUND', 'GET', path)
  await alice.refused(404, 'M_NOT_FOUND', 'PUT', at(room, '$nothing'), {})
  await carol.refused(404, 'M_NOT_FOUND', 'PUT', path, {})
  await alice.refused(400, 'M_BAD_JSON', 'PUT', path, { automatic: true })
})

test('clients subscribe by themselves, unless the user has unsubscribed since', async () => {
  await using world = await threaded()
  const { alice, bob, room, root } = world
  const path = at(room, root)
  const mention = await bob.send(room, inThread(root, 'hello alice'))
  await alice.refused(400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', 'PUT', path, { automatic: await bob.send(room, 'elsewhere') })
  await alice.refused(400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', 'PUT', path, { automatic: '$nothing' })
  await alice.ok('PUT', path, { automatic: mention })
  assert.deepEqual(await alice.ok('GET', path), { automatic: true })
  await alice.ok('PUT', path, {})
  await alice.ok('PUT', path, { automatic: mention })
  assert.deepEqual(await alice.ok('GET', path), { automatic: false })
  await alice.ok('DELETE', path)
  await alice.refused(409, 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION', 'PUT', path, { automatic: mention })
  await alice.ok('PUT', path, { automatic: await bob.send(room, inThread(root, 'alice again')) })
  assert.deepEqual(await alice.ok('GET', path), { automatic: true })
})

test('sliding sync tells of the last changes, and those before them are paged through', async () => {
  await using world = await threaded()
  const { alice, room, root } = world
  const second = await alice.send(room, 'a second root')
  const third = await alice.send(room, 'a third root')
  const slider = new Slider(alice)
  const body = { extensions: { [EXTENSION]: { enabled: true, limit: 2 } } }
  assert.deepEqual((await slider.sync(body)).extensions, {})
  const before = slider.pos
  for (const id of [root, second, third]) await alice.ok('PUT', at(room, id), {})
  await alice.ok('DELETE', at(room, third))
  const told = (await slider.sync(body, 3_000)).extensions[EXTENSION] as JsonObject
  assert.deepEqual(threadsIn(told['subscribed'], room), [second])
  assert.deepEqual(threadsIn(told['unsubscribed'], room), [third])
  const rest = await alice.ok(
    'GET',
    `${UNSTABLE}/io.element.msc4308/thread_subscriptions?dir=b&from=${String(told['prev_batch'])}&to=${before}`,
  )
  assert.deepEqual(threadsIn(rest['subscribed'], room), [root])
  assert.equal(rest['end'], undefined)
  assert.deepEqual((await slider.sync(body)).extensions, {})

  const all = await alice.ok('GET', `${UNSTABLE}/io.element.msc4308/thread_subscriptions?dir=b&limit=1`)
  assert.deepEqual(all['subscribed'], {})
  const stamps = Object(all['unsubscribed'])[room][third]
  assert.deepEqual(Object.keys(stamps), ['bump_stamp'])
  assert.ok(typeof all['end'] === 'string')
  const bob = await world.bob.ok('GET', `${UNSTABLE}/io.element.msc4308/thread_subscriptions?dir=b`)
  assert.deepEqual(bob, { subscribed: {}, unsubscribed: {} })
  await world.hs.restart()
  const afterwards = await alice.ok('GET', `${UNSTABLE}/io.element.msc4308/thread_subscriptions?dir=b`)
  assert.deepEqual(threadsIn(afterwards['subscribed'], room), [second, root])
})

interface SeenCounts {
  readonly unread_notifications: { notification_count: number }
  readonly unread_thread_notifications?: Record<string, { notification_count: number }>
}

/** How many notifications a first sync tells of: of the main timeline, and by thread. */
async function countsOf(user: TestUser, room: string) {
  const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { unread_thread_notifications: true } } }))
  const { rooms } = (await user.ok('GET', `sync?filter=${filter}`)) as { rooms: { join: Record<string, unknown> } }
  const { unread_notifications: main, unread_thread_notifications: threads = {} } = rooms.join[room] as SeenCounts
  const byThread = Object.entries(threads).map(([root, { notification_count: count }]) => [root, count])
  return { main: main.notification_count, threads: Object.fromEntries(byThread) as Record<string, number> }
}

test('who has ever subscribed is notified in threads that they are subscribed to, and where they are mentioned', async () => {
  await using world = await threaded()
  const { hs, alice, bob, room, root } = world
  const other = await bob.send(room, 'another root')
  await bob.send(room, inThread(other, 'before'))
  assert.deepEqual(await countsOf(alice, room), { main: 1, threads: { [other]: 1 } }, 'subscriptions do not matter yet')
  await alice.sync()
  await alice.ok('PUT', at(room, root), {})
  const { postcontent } = await alice.ok('GET', 'pushrules/global/')
  assert.deepEqual(
    (postcontent as unknown as { rule_id: string; enabled: boolean }[]).map(({ rule_id: id, enabled }) => [id, enabled]),
    [
      ['.io.element.msc4306.rule.unsubscribed_thread', true],
      ['.io.element.msc4306.rule.subscribed_thread', true],
    ],
  )
  const { account_data: data } = await alice.sync()
  assert.ok(data.events.some(({ type }) => type === 'm.push_rules'))
  await alice.ok('PUT', `pushrules/global/room/${encodeURIComponent(room)}`, { actions: [] })
  await bob.send(room, inThread(root, 'in a muted room'))
  await bob.send(room, inThread(other, 'of no interest'))
  await bob.send(room, { ...inThread(other, 'alice!'), 'm.mentions': { user_ids: [alice.id] } })
  await bob.send(room, 'muted')
  assert.deepEqual(await countsOf(alice, room), { main: 1, threads: { [other]: 2, [root]: 1 } })
  await hs.restart()
  // Today's rules decide about all that nobody has counted before.
  assert.deepEqual(await countsOf(alice, room), { main: 0, threads: { [other]: 1, [root]: 1 } })
})

test('a thread of another room is none, and users have no postcontent rules of their own', async () => {
  await using world = await threaded()
  const { alice, bob, room, root } = world
  await alice.ok('PUT', at(room, root), {})
  const elsewhere = await bob.createRoom({ preset: 'public_chat' })
  await alice.join(elsewhere)
  await bob.send(elsewhere, inThread(root, 'not that thread'))
  assert.deepEqual(await countsOf(alice, elsewhere), { main: 0, threads: {} })
  await alice.refused(400, 'M_INVALID_PARAM', 'PUT', 'pushrules/global/postcontent/mine', { actions: ['notify'] })
  const path = 'pushrules/global/postcontent/.io.element.msc4306.rule.unsubscribed_thread/enabled'
  await alice.ok('PUT', path, { enabled: false })
  await alice.ok('PUT', at(room, await alice.send(room, 'one more root')), {})
  assert.deepEqual(await alice.ok('GET', path), { enabled: false }, 'what the user has decided stays')
})

test('sockets count by subscriptions, too', async () => {
  await using world = await threaded()
  const { hs, alice, bob, room, root } = world
  const other = await bob.send(room, 'another root')
  await alice.ok('PUT', at(room, root), {})
  const filter = JSON.stringify({ room: { timeline: { unread_thread_notifications: true } } })
  const socket = await openSocket(hs, alice, { filter })
  await socket.take()
  const after = async (body: string, thread: string) => {
    const id = await bob.send(room, inThread(thread, body))
    const seen = await socket.takeUntil(({ rooms }) => {
      const section = rooms?.join?.[room]
      return section?.timeline.events.some(({ event_id }) => event_id === id) ? section : undefined
    })
    return (seen as unknown as SeenCounts).unread_thread_notifications
  }
  assert.deepEqual(await after('one', root), { [root]: { highlight_count: 0, notification_count: 1 } })
  assert.deepEqual(await after('two', other), { [root]: { highlight_count: 0, notification_count: 1 } })
  assert.deepEqual(await after('three', root), { [root]: { highlight_count: 0, notification_count: 2 } })
  socket.webSocket.close()
})

const threadsIn = (changes: unknown, room: string): string[] => Object.keys(Object(changes)[room] ?? {})
