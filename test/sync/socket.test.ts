import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { testHomeserver } from '../support/homeserver.ts'
import { bodiesIn, openSocket } from '../support/sync-socket.ts'

describe('a socket', () => {
  test('brings what there is at once, and then what happens', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await hs.users('alice', 'bob')
    assert.ok(alice && bob)
    const room = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(room)
    const socket = await openSocket(hs, bob)
    assert.ok(room in (await socket.take()).rooms.join)
    await alice.send(room, 'one')
    assert.deepEqual(bodiesIn(await socket.take(), room), ['one'])
    await alice.send(room, 'two')
    assert.deepEqual(bodiesIn(await socket.take(), room), ['two'])
  })
})
