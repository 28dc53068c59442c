import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type SeenRoom, syncServer } from './support.ts'

const typingIn = (room: SeenRoom | undefined) =>
  room?.ephemeral.events.filter(({ type }) => type === 'm.typing').map(({ content }) => content['user_ids'])
const receiptsIn = (room: SeenRoom | undefined) =>
  room?.ephemeral.events.filter(({ type }) => type === 'm.receipt').map(({ content }) => content)

async function together(server: Awaited<ReturnType<typeof syncServer>>) {
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  return { alice, bob, room }
}

describe('typing', () => {
  test('is told as the whole list of who types, and stops when its time is over', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    await alice.sync()
    await alice.ok('PUT', `rooms/${room}/typing/${alice.id}`, { typing: true, timeout: 5000 })
    await bob.ok('PUT', `rooms/${room}/typing/${bob.id}`, { typing: true, timeout: 30_000 })
    assert.deepEqual(typingIn(await alice.room(room)), [[alice.id, bob.id]])
    assert.deepEqual(typingIn(await alice.anew().room(room)), [[alice.id, bob.id]])
    assert.deepEqual((await alice.sync()).rooms.join, {})
    const waiting = alice.room(room, { timeout: '20000' })
    await hs.untilWaiting(1)
    hs.clock.later(5000)
    assert.deepEqual(typingIn(await waiting), [[bob.id]])
    await bob.ok('PUT', `rooms/${room}/typing/${bob.id}`, { typing: false })
    assert.deepEqual(typingIn(await alice.room(room)), [[]])
    assert.deepEqual(typingIn(await alice.anew().room(room)), [[]])
  })

  test('goes on for longer where the client says so again, without a word to others', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    await bob.ok('PUT', `rooms/${room}/typing/${bob.id}`, { typing: true, timeout: 5000 })
    await alice.sync()
    hs.clock.later(4000)
    await bob.ok('PUT', `rooms/${room}/typing/${bob.id}`, { typing: true, timeout: 5000 })
    hs.clock.later(4000)
    assert.deepEqual((await alice.sync()).rooms.join, {})
    assert.deepEqual(hs.streams.typingUsers.in(1), [bob.id])
  })

  test('is for members only, each for themselves', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    const carol = await hs.user('carol')
    await carol.refused('M_FORBIDDEN', 'PUT', `rooms/${room}/typing/${carol.id}`, { typing: true })
    await alice.refused('M_FORBIDDEN', 'PUT', `rooms/${room}/typing/${bob.id}`, { typing: true })
  })

  test('is held back where the filter does not want it', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    await alice.sync()
    await bob.ok('PUT', `rooms/${room}/typing/${bob.id}`, { typing: true })
    assert.deepEqual((await alice.sync({ filter: { room: { ephemeral: { not_types: ['m.typing'] } } } })).rooms.join, {})
  })
})

describe('receipts', () => {
  test('are told as they come, and all together in a first sync', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    const event = await alice.send(room, 'hello')
    await alice.sync()
    await bob.ok('POST', `rooms/${room}/receipt/m.read/${event}`, {})
    const expected = [{ [event]: { 'm.read': { [bob.id]: { ts: hs.clock.now() } } } }]
    assert.deepEqual(receiptsIn(await alice.room(room)), expected)
    assert.deepEqual(receiptsIn(await alice.anew().room(room)), expected)
    await alice.ok('POST', `rooms/${room}/receipt/m.read/${event}`, {})
    const [all] = receiptsIn(await bob.anew().room(room)) ?? []
    assert.deepEqual(Object.keys((all as { [id: string]: { 'm.read': object } })[event]?.['m.read'] ?? {}), [bob.id, alice.id])
  })

  test('never move back', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    const [first, second] = [await alice.send(room, '1'), await alice.send(room, '2')]
    await bob.ok('POST', `rooms/${room}/receipt/m.read/${second}`, {})
    await alice.sync()
    await bob.ok('POST', `rooms/${room}/receipt/m.read/${first}`, {})
    await bob.ok('POST', `rooms/${room}/receipt/m.read/${second}`, {})
    assert.deepEqual((await alice.sync()).rooms.join, {})
  })

  test('that are private are told to their user only', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    const event = await alice.send(room, 'hello')
    await alice.sync()
    await bob.sync()
    await bob.ok('POST', `rooms/${room}/receipt/m.read.private/${event}`, {})
    assert.deepEqual((await alice.sync()).rooms.join, {})
    const expected = [{ [event]: { 'm.read.private': { [bob.id]: { ts: hs.clock.now() } } } }]
    assert.deepEqual(receiptsIn(await bob.room(room)), expected)
    assert.deepEqual(receiptsIn(await alice.anew().room(room)), [])
    assert.deepEqual(receiptsIn(await bob.anew().room(room)), expected)
  })

  test('of a thread and of the room stand side by side', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    const event = await alice.send(room, 'hello')
    await alice.sync()
    await bob.ok('POST', `rooms/${room}/receipt/m.read/${event}`, { thread_id: 'main' })
    await bob.ok('POST', `rooms/${room}/receipt/m.read/${event}`, {})
    const ts = hs.clock.now()
    assert.deepEqual(receiptsIn(await alice.room(room)), [
      { [event]: { 'm.read': { [bob.id]: { ts } } } },
      { [event]: { 'm.read': { [bob.id]: { ts, thread_id: 'main' } } } },
    ])
  })

  test('are refused for other types, other rooms, other threads, and strangers', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await together(hs)
    const elsewhere = await alice.createRoom()
    const [event, foreign] = [await alice.send(room, 'hello'), await alice.send(elsewhere, 'hello')]
    assert.equal((await bob.call('POST', `rooms/${room}/receipt/not.m.read/${event}`, {})).status, 400)
    await bob.refused('M_NOT_FOUND', 'POST', `rooms/${room}/receipt/m.read/${foreign}`, {})
    await bob.refused('M_FORBIDDEN', 'POST', `rooms/${elsewhere}/receipt/m.read/${foreign}`, {})
    await bob.refused('M_INVALID_PARAM', 'POST', `rooms/${room}/receipt/m.read/${event}`, { thread_id: '$nothread' })
    await bob.refused('M_INVALID_PARAM', 'POST', `rooms/${room}/receipt/m.read/${event}`, { thread_id: '' })
    await bob.refused('M_INVALID_PARAM', 'POST', `rooms/${room}/receipt/m.fully_read/${event}`, { thread_id: 'main' })
  })
})
