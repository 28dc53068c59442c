import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testHomeserver } from '../support/homeserver.ts'

test('users whose first syncs come together are all followed into the rooms that they join', async () => {
  await using hs = await testHomeserver()
  const [alice, ...others] = await hs.users('alice', 'bob', 'carol', 'dave', 'erin', 'frank')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await Promise.all(others.map((user) => user.sync()))
  for (const user of others) await user.join(roomId)
  await Promise.all(others.map((user) => user.sync()))
  await alice.send(roomId, 'Hello all')
  for (const user of others) {
    const { rooms } = await user.sync()
    assert.equal(rooms.join[roomId]?.timeline.events.at(-1)?.content['body'], 'Hello all', user.id)
  }
})
