import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Syncer, syncServer } from './support.ts'

const threaded = { room: { timeline: { unread_thread_notifications: true } } }

async function together(server: Awaited<ReturnType<typeof syncServer>>) {
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  return { alice, bob, room }
}

const of = (notifications: number, highlights: number) => ({ highlight_count: highlights, notification_count: notifications })

/** [notifications, highlights] of a first sync, which counts as much as one that goes on. */
async function counts(user: Syncer, room: string, filter = {}) {
  const { unread_notifications: all, unread_thread_notifications: threads } = await user.anew().room(room, { filter })
  return threads ? [all, threads] : [all.notification_count, all.highlight_count]
}

describe('unread counts', () => {
  test('are in the same answer as the event, and gone with the receipt', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    await alice.sync()
    await bob.send(room, '1')
    assert.equal((await alice.room(room)).unread_notifications.notification_count, 1)
    const event = await bob.send(room, '2')
    await bob.send(room, '3')
    assert.equal((await alice.room(room)).unread_notifications.notification_count, 3)
    await alice.ok('POST', `rooms/${room}/receipt/m.read/${event}`, {})
    assert.equal((await alice.room(room)).unread_notifications.notification_count, 1)
    assert.deepEqual(await counts(bob, room), [0, 0])
  })

  test('are cleared by a private receipt, by one that is ahead of the other, and by an own message', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    const [first, second] = [await bob.send(room, '1'), await bob.send(room, '2')]
    await alice.ok('POST', `rooms/${room}/receipt/m.read.private/${second}`, {})
    assert.deepEqual(await counts(alice, room), [0, 0])
    await alice.ok('POST', `rooms/${room}/receipt/m.read/${first}`, {})
    assert.deepEqual(await counts(alice, room), [0, 0])
    await bob.send(room, '3')
    assert.deepEqual(await counts(alice, room), [1, 0])
    await alice.send(room, '4')
    assert.deepEqual(await counts(alice, room), [0, 0])
  })

  test('begin anew with each stay in the room', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    await bob.send(room, 'before')
    assert.deepEqual(await counts(alice, room), [1, 0])
    await alice.ok('POST', `rooms/${room}/leave`, {})
    await bob.send(room, 'while she is away')
    await alice.join(room)
    assert.deepEqual(await counts(alice, room), [0, 0])
    await bob.send(room, 'after')
    await alice.ok('PUT', `profile/${alice.id}/displayname`, { displayname: 'Alice' })
    assert.deepEqual(await counts(alice, room), [1, 0])
  })

  test('follow the push rules of the user', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    await bob.send(room, { msgtype: 'm.notice', body: 'a notice' })
    await bob.send(room, { msgtype: 'm.text', body: 'hey', 'm.mentions': { user_ids: [alice.id] } })
    assert.deepEqual(await counts(alice, room), [1, 1])
    await alice.ok('PUT', `pushrules/global/room/${encodeURIComponent(room)}`, { actions: [] })
    await bob.send(room, 'not told')
    assert.deepEqual(await counts(alice, room), [1, 1])
    const tea = { pattern: 'tea', actions: ['notify', { set_tweak: 'highlight' }] }
    await alice.ok('PUT', 'pushrules/global/content/tea', tea)
    await bob.send(room, 'time for tea')
    assert.deepEqual(await counts(alice, room), [2, 2])
  })

  test('do not count what is redacted, what came before the user, nor who is ignored', async () => {
    await using hs = await syncServer()
    const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
    const room = await alice.createRoom({ preset: 'public_chat' })
    await carol.join(room)
    await alice.send(room, 'before')
    await bob.join(room)
    await alice.send(room, 'kept')
    const event = await alice.send(room, 'taken back')
    assert.deepEqual(await counts(bob, room), [2, 0])
    await alice.ok('PUT', `rooms/${room}/redact/${event}/r`, {})
    assert.deepEqual(await counts(bob, room), [1, 0])
    await carol.send(room, 'not ignored yet')
    assert.deepEqual(await counts(bob, room), [2, 0])
    await bob.ok('PUT', `user/${bob.id}/account_data/m.ignored_user_list`, { ignored_users: { [carol.id]: {} } })
    await carol.send(room, 'ignored')
    await bob.ok('PUT', `profile/${bob.id}/displayname`, { displayname: 'B' })
    assert.deepEqual(await counts(bob, room), [1, 0])
  })

  test('are apart for each thread where the client asks for that', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    const root = await bob.send(room, 'root')
    const relation = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
    const reply = await bob.send(room, { msgtype: 'm.text', body: 'in the thread', ...relation })
    await bob.send(room, { msgtype: 'm.text', body: 'again', ...relation, 'm.mentions': { user_ids: [alice.id] } })
    assert.deepEqual(await counts(alice, room), [3, 1])
    assert.deepEqual(await counts(alice, room, threaded), [of(1, 0), { [root]: of(2, 1) }])
    await alice.ok('POST', `rooms/${room}/receipt/m.read/${reply}`, { thread_id: root })
    assert.deepEqual(await counts(alice, room, threaded), [of(1, 0), { [root]: of(1, 1) }])
    await alice.ok('POST', `rooms/${room}/receipt/m.read/${root}`, { thread_id: 'main' })
    assert.deepEqual(await counts(alice, room, threaded), [of(0, 0), { [root]: of(1, 1) }])
    await alice.ok('POST', `rooms/${room}/receipt/m.read/${reply}`, {})
    assert.deepEqual(await counts(alice, room), [1, 1])
  })
})
