import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { WebSocket } from 'ws'
import type { TestHomeserver } from '../support/homeserver.ts'
import { bodiesIn, conversation, openSocket, PATH, PROTOCOL, refusedSocket, SocketClient } from '../support/sync-socket.ts'
import { call, type TestUser } from '../support/user.ts'

const toDevice = (from: TestUser, to: TestUser, n: number) =>
  from.ok('PUT', `sendToDevice/test.message/m${n}`, { messages: { [to.id]: { [to.deviceId]: { n } } } })

describe('a socket', () => {
  test('brings what there is at once, and then what happens', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const socket = await openSocket(hs, bob)
    assert.equal(socket.webSocket.protocol, PROTOCOL)
    assert.ok(room in (await socket.take()).rooms.join)
    await alice.send(room, 'one')
    assert.deepEqual(bodiesIn(await socket.take(), room), ['one'])
    await alice.send(room, 'two')
    assert.deepEqual(bodiesIn(await socket.take(), room), ['two'])
  })

  test('begins with an answer where there is nothing new, too', async () => {
    await using world = await conversation()
    const { hs, bob } = world
    const { next_batch: since } = await bob.sync()
    const first = await (await openSocket(hs, bob, { since })).take()
    assert.deepEqual(first.rooms.join, {})
  })

  test('goes on from any token, without loss and without doubles', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const socket = await openSocket(hs, bob)
    const { next_batch: since } = await socket.take()
    await alice.send(room, 'one')
    const { next_batch: later } = await socket.take()
    await socket.drop()
    await alice.send(room, 'two')
    const again = await openSocket(hs, bob, { since })
    assert.deepEqual(bodiesIn(await again.take(), room), ['one', 'two'])
    const onwards = await openSocket(hs, bob, { since: later })
    assert.deepEqual(bodiesIn(await onwards.take(), room), ['two'])
    await alice.send(room, 'three')
    assert.deepEqual(bodiesIn(await onwards.take(), room), ['three'])
    assert.deepEqual(bodiesIn(await bob.sync({ since: later }), room), ['two', 'three'])
  })

  test('tells each of its readers what /sync tells them', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const [carol, dave] = await hs.users('carol', 'dave')
    await carol.join(room)
    await carol.ok('PUT', `user/${carol.id}/account_data/m.ignored_user_list`, { ignored_users: { [dave.id]: {} } })
    const readers = await Promise.all(
      [alice, bob, carol].map(async (user) => {
        const socket = await openSocket(hs, user)
        return { user, socket, since: (await socket.take()).next_batch }
      }),
    )
    let event = ''
    const actions: readonly (() => Promise<unknown>)[] = [
      async () => (event = await bob.send(room, 'Hello, alice')),
      async () => (event = await bob.send(room, 'again')),
      () => alice.ok('POST', `rooms/${room}/receipt/m.read/${event}`, {}),
      async () => (event = await bob.send(room, 'and again')),
      () => alice.send(room, 'from alice'),
      () => bob.ok('PUT', `rooms/${room}/typing/${bob.id}`, { typing: true, timeout: 30_000 }),
      () => bob.send(room, { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key: '+1' } }, 'm.reaction'),
      () =>
        bob.send(room, {
          msgtype: 'm.text',
          body: '* edited',
          'm.new_content': { msgtype: 'm.text', body: 'edited' },
          'm.relates_to': { rel_type: 'm.replace', event_id: event },
        }),
      () => alice.setState(room, 'm.room.topic', { topic: 'tea' }),
      () => dave.join(room),
      () => dave.send(room, 'from dave'),
      () => dave.leave(room),
      () => bob.ok('PUT', `rooms/${room}/redact/${event}/r1`, {}),
    ]
    for (const [index, act] of actions.entries()) {
      await act()
      for (const reader of readers) {
        const { user, socket } = reader
        // An action may be several events, and so several answers; of what is ignored there is none.
        for (;;) {
          const told = await user.sync({ since: reader.since })
          if (Object.keys(told.rooms.join).length === 0) break
          const answer = await socket.take()
          if (answer.next_batch === told.next_batch)
            assert.deepEqual(withoutAges(answer), withoutAges(told), `${user.id} after action ${index}`)
          reader.since = answer.next_batch
        }
      }
    }
  })

  test('has a word for the sender of an event, and for nobody else', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const sockets = await Promise.all([alice, bob].map((user) => openSocket(hs, user)))
    for (const socket of sockets) await socket.take()
    await alice.send(room, 'hello')
    const transactions = await Promise.all(
      sockets.map(async (socket) => (await socket.take()).rooms.join[room]?.timeline.events.map((event) => event['unsigned'])),
    )
    assert.deepEqual(
      transactions.map((seen) => JSON.stringify(seen).includes('transaction_id')),
      [true, false],
    )
  })

  test('follows the room that its user joins', async () => {
    await using world = await conversation()
    const { hs, alice, bob } = world
    const socket = await openSocket(hs, bob)
    await socket.take()
    const other = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(other)
    await socket.takeUntil((answer) => answer.rooms.join[other])
    await alice.send(other, 'welcome')
    assert.deepEqual(await socket.takeUntil((answer) => (other in answer.rooms.join ? bodiesIn(answer, other) : undefined)), [
      'welcome',
    ])
  })

  test('tells of the devices of those whom its user meets', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const [own, socket] = [await openSocket(hs, alice), await openSocket(hs, bob)]
    for (const each of [own, socket]) await each.take()
    const keys = {
      user_id: alice.id,
      device_id: alice.deviceId,
      algorithms: [],
      keys: { [`ed25519:${alice.deviceId}`]: 'a2V5' },
      signatures: { [alice.id]: { [`ed25519:${alice.deviceId}`]: 'c2lnbmF0dXJl' } },
    }
    await alice.ok('POST', 'keys/upload', { device_keys: keys })
    await own.takeUntil(({ device_lists: lists }) => lists?.changed?.includes(alice.id) || undefined)
    await socket.takeUntil(({ device_lists: lists }) => lists?.changed?.includes(alice.id) || undefined)
    const carol = await hs.user('carol')
    await carol.join(room)
    await socket.takeUntil(({ device_lists: lists }) => lists?.changed?.includes(carol.id) || undefined)
    await carol.leave(room)
    await socket.takeUntil(({ device_lists: lists }) => lists?.left?.includes(carol.id) || undefined)
  })

  test('takes a filter', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const filter = JSON.stringify({ room: { timeline: { types: ['m.room.message'] } } })
    const socket = await openSocket(hs, bob, { filter })
    await socket.take()
    await alice.send(room, {}, 'test.filler')
    await alice.send(room, 'hello')
    assert.deepEqual(bodiesIn(await socket.take(), room), ['hello'])
  })
})

describe('messages to a device', () => {
  test('come again until they are acknowledged', async () => {
    await using world = await conversation()
    const { hs, alice, bob } = world
    const socket = await openSocket(hs, bob)
    const { next_batch: since } = await socket.take()
    await toDevice(alice, bob, 1)
    const unacknowledged = await socket.next()
    assert.deepEqual(numbersOf(unacknowledged), [1])
    await socket.drop()
    const again = await openSocket(hs, bob, { since })
    assert.deepEqual(numbersOf(await again.take()), [1])
    while (numbersOf(await bob.ok('GET', 'sync')).length > 0);
  })

  test('come in order, a hundred with each answer', async () => {
    await using world = await conversation()
    const { hs, alice, bob } = world
    for (let n = 0; n < 150; n++) await toDevice(alice, bob, n)
    const socket = await openSocket(hs, bob)
    const numbers: unknown[] = []
    while (numbers.length < 150) numbers.push(...numbersOf(await socket.take()))
    assert.deepEqual(
      numbers,
      Array.from({ length: 150 }, (_, n) => n),
    )
  })
})

describe('a client that does not keep up', () => {
  test('gets no more than fifty answers that it has not acknowledged, then all that it missed in one', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const socket = await openSocket(hs, bob)
    await socket.next()
    for (let n = 1; n < 50; n++) {
      await alice.send(room, `${n}`)
      await socket.next()
    }
    for (let n = 50; n < 65; n++) await alice.send(room, `${n}`)
    const { next_batch: latest } = await alice.sync()
    // Whatever had been sent before the pong would be here before it.
    socket.webSocket.ping()
    await once(socket.webSocket, 'pong')
    assert.equal(socket.waiting, 0)
    socket.acknowledge(socket.lastToken)
    const answer = await socket.next()
    assert.equal(answer.next_batch, latest)
    assert.equal(answer.rooms.join[room]?.timeline.limited, true)
    assert.equal(bodiesIn(answer, room).at(-1), '64')
  })
})

describe('the handshake', () => {
  test('takes a token among the subprotocols, as browsers send it', async () => {
    await using world = await conversation()
    const { hs, bob } = world
    const protocols = [PROTOCOL, `chat.causeway.token.${bob.token}`]
    const webSocket = new WebSocket(`${hs.url.replace('http', 'ws')}${PATH}`, protocols)
    const socket = new SocketClient(webSocket)
    await once(webSocket, 'open')
    assert.equal(webSocket.protocol, PROTOCOL)
    await socket.take()
  })

  test('is refused as any other request is', async () => {
    await using world = await conversation()
    const { hs, bob } = world
    const refusals = [
      [401, 'M_MISSING_TOKEN', await refusedSocket(hs, undefined)],
      [401, 'M_UNKNOWN_TOKEN', await refusedSocket(hs, 'nobody')],
      [400, 'M_INVALID_PARAM', await refusedSocket(hs, bob.token, { query: { since: 'yesterday' } })],
      [400, 'M_NOT_JSON', await refusedSocket(hs, bob.token, { query: { filter: '{' } })],
      [400, 'M_INVALID_PARAM', await refusedSocket(hs, bob.token, { query: { set_presence: 'asleep' } })],
      [400, 'M_INVALID_PARAM', await refusedSocket(hs, bob.token, { protocols: ['chat.causeway.sync.v0'] })],
      [404, 'M_UNRECOGNIZED', await refusedSocket(hs, bob.token, { path: '/_matrix/client/unstable/chat.causeway/nothing' })],
      [426, 'M_UNRECOGNIZED', await bobWithoutUpgrade(hs, bob)],
    ] as const
    for (const [status, errcode, answer] of refusals) assert.deepEqual([answer.status, answer.body['errcode']], [status, errcode])
  })

  test('of another endpoint gets its answer', async () => {
    await using world = await conversation()
    const { hs, bob } = world
    const { status, body } = await refusedSocket(hs, bob.token, { path: '/_matrix/client/v3/account/whoami' })
    assert.deepEqual([status, body['user_id']], [200, bob.id])
  })

  test('is offered among the unstable features, and counted', async () => {
    await using world = await conversation()
    const { hs, bob } = world
    const versions = await bob.ok('GET', '/_matrix/client/versions')
    assert.equal((versions['unstable_features'] as Record<string, boolean>)['chat.causeway.sync_socket'], true)
    const socket = await openSocket(hs, bob)
    await socket.take()
    assert.match(await (await fetch(`${hs.url}/metrics`)).text(), /^causeway_sync_sockets 1$/m)
  })
})

const bobWithoutUpgrade = (hs: TestHomeserver, bob: TestUser) => call(hs, 'GET', PATH, undefined, bob.token)

/** The numbers in the test messages of an answer. */
function numbersOf(answer: object): unknown[] {
  const { to_device: messages } = answer as { to_device?: { events: { content: { n?: number } }[] } }
  return messages?.events.map(({ content }) => content.n) ?? []
}

/** An answer as it is whenever it is given. */
const withoutAges = (answer: object): unknown => JSON.parse(JSON.stringify(answer, (key, value) => (key === 'age' ? 0 : value)))
