import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { adminOf } from '../support/hostile.ts'
import type { TestHomeserver } from '../support/homeserver.ts'
import { bodiesIn, conversation, openSocket, refusedSocket, type SocketClient } from '../support/sync-socket.ts'
import { call, TestUser } from '../support/user.ts'

type Open = Awaited<ReturnType<typeof conversation>> & { readonly socket: SocketClient; readonly token: string }

const passwordOf = (user: TestUser) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: user.id },
  password: `${user.id.slice(1, user.id.indexOf(':'))}'s password`,
})

/** Another device of a user, or the one of that name with a new token. */
async function anotherDevice(hs: TestHomeserver, user: TestUser, deviceId?: string): Promise<TestUser> {
  const { body } = await call(hs, 'POST', 'login', { ...passwordOf(user), device_id: deviceId })
  return new TestUser(hs, user.id, String(body['access_token']), String(body['device_id']))
}

function ends(name: string, code: number, reason: string, act: (world: Open) => Promise<unknown>): void {
  test(name, async () => {
    await using world = await conversation()
    const socket = await openSocket(world.hs, world.bob)
    const { next_batch: token } = await socket.take()
    await act({ ...world, socket, token })
    assert.deepEqual(await socket.ended, { code, reason })
  })
}

describe('a socket ends', () => {
  ends('when its device opens another', 4409, 'Another socket of the device has taken over', ({ hs, bob }) => openSocket(hs, bob))
  ends('when its device logs out', 4401, 'M_UNKNOWN_TOKEN', ({ bob }) => bob.ok('POST', 'logout'))
  ends('when its user logs out everywhere', 4401, 'M_UNKNOWN_TOKEN', async ({ hs, bob }) =>
    (await anotherDevice(hs, bob)).ok('POST', 'logout/all'),
  )
  ends('when its device is deleted', 4401, 'M_UNKNOWN_TOKEN', async ({ hs, bob }) =>
    (await anotherDevice(hs, bob)).ok('DELETE', `devices/${bob.deviceId}`, { auth: passwordOf(bob) }),
  )
  ends('when its user changes the password, from another device', 4401, 'M_UNKNOWN_TOKEN', async ({ hs, bob }) =>
    (await anotherDevice(hs, bob)).ok('POST', 'account/password', { new_password: 'another one', auth: passwordOf(bob) }),
  )
  ends('when its device logs in anew', 4401, 'M_UNKNOWN_TOKEN', ({ hs, bob }) => anotherDevice(hs, bob, bob.deviceId))
  ends('when its user is locked', 4401, 'M_USER_LOCKED soft_logout', async ({ hs, bob }) =>
    (await adminOf(hs)).ok('PUT', `/_matrix/client/v1/admin/lock/${bob.id}`, { locked: true }),
  )
  ends('when its user is deactivated', 4401, 'M_UNKNOWN_TOKEN', ({ bob }) =>
    bob.ok('POST', 'account/deactivate', { auth: passwordOf(bob) }),
  )
  ends('when the server stops', 1001, 'The server stops', ({ hs }) => hs.restart())
  ends('for what is no JSON', 4400, 'A message is {"ack": "<next_batch>"}', async ({ socket }) => socket.webSocket.send('hello'))
  ends('for another message than an acknowledgement', 4400, 'A message is {"ack": "<next_batch>"}', async ({ socket }) =>
    socket.webSocket.send('{"typing": true}'),
  )
  ends('for a token that no answer had', 4400, 'No answer had that next_batch', async ({ socket }) =>
    socket.acknowledge('s99999999'),
  )
  ends('for bytes', 1003, 'Only text is understood', async ({ socket }) => socket.webSocket.send(Buffer.from('hello')))
  ends('for a long message', 1009, '', async ({ socket }) => socket.webSocket.send(' '.repeat(5_000)))
  ends('for 50 MB before they are there', 1009, '', async ({ socket }) =>
    socket.webSocket.send(Buffer.alloc(50 * 1024 * 1024), () => {}),
  )
  ends('for a flood of messages', 4429, 'Too many messages', async ({ socket, token }) => {
    for (let n = 0; n < 200; n++) socket.acknowledge(token)
  })

  test('and another goes on where it was, after a restart of the server, too', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const socket = await openSocket(hs, bob)
    const { next_batch: since } = await socket.take()
    await hs.restart()
    await alice.send(room, 'hello')
    assert.deepEqual(bodiesIn(await (await openSocket(hs, bob, { since })).take(), room), ['hello'])
  })
})

describe('a socket goes on', () => {
  test('when its user is suspended', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const socket = await openSocket(hs, bob)
    await socket.take()
    await (await adminOf(hs)).ok('PUT', `/_matrix/client/v1/admin/suspend/${bob.id}`, { suspended: true })
    await alice.send(room, 'still here?')
    assert.deepEqual(bodiesIn(await socket.take(), room), ['still here?'])
  })

  test('when another device of its user is gone', async () => {
    await using world = await conversation()
    const { hs, alice, bob, room } = world
    const socket = await openSocket(hs, bob)
    await socket.take()
    await (await anotherDevice(hs, bob)).ok('POST', 'logout')
    await alice.send(room, 'still here?')
    assert.deepEqual(await socket.takeUntil((answer) => (room in answer.rooms.join ? bodiesIn(answer, room) : undefined)), [
      'still here?',
    ])
  })
})

const refused = async (hs: TestHomeserver, user: TestUser, why: string) => {
  const { status, body } = await refusedSocket(hs, user.token)
  assert.deepEqual([status, body['errcode'], body['error']], [429, 'M_LIMIT_EXCEEDED', `Too many requests (${why})`])
}

describe('there are no more sockets than', () => {
  test('are allowed from one address; whose device has one may open it anew', async () => {
    await using world = await conversation({ sync: { max_sockets_per_address: 2 } })
    const { hs, alice, bob } = world
    const carol = await hs.user('carol')
    const ofAlice = await openSocket(hs, alice)
    await openSocket(hs, bob)
    await refused(hs, carol, 'sockets of an address')
    await openSocket(hs, bob)
    await refused(hs, carol, 'sockets of an address')
    await alice.ok('POST', 'logout')
    await ofAlice.ended
    await openSocket(hs, carol)
  })

  test('a hundred of one user', async () => {
    await using world = await conversation()
    const { hs, alice, bob } = world
    for (let n = 0; n < 100; n++) await openSocket(hs, await anotherDevice(hs, bob))
    await refused(hs, bob, 'sockets of a user')
    await openSocket(hs, alice)
  })

  test('are opened from one address in a while', async () => {
    const limits = { rate_limits: { socket: { per_second: 0.001, burst: 2 } } }
    await using world = await conversation(limits)
    const { hs, alice, bob } = world
    for (const user of [alice, bob]) await openSocket(hs, user)
    await refused(hs, bob, 'socket')
    await bob.ok('GET', 'sync')
  })
})
