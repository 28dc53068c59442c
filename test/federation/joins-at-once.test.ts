/** Servers that join a room at the same moment, each before it knows of the others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testFederation } from '../support/homeserver.ts'

const JOINED = ['1', '2', '3']

test('servers that join at once while others speak end up with the same members and messages', async () => {
  await using servers = await testFederation(4)
  const users = await Promise.all(servers.map((server, n) => server.user(`user${n}`)))
  const [host, ...guests] = users
  assert.ok(host)
  const roomId = await host.createRoom({ preset: 'public_chat' })
  await Promise.all([
    ...JOINED.map((n) => host.send(roomId, `meanwhile ${n}`)),
    ...guests.map((guest) => guest.join(roomId, 'hs1.test')),
  ])
  // Nobody but the host is sure to be told of these: their senders may not know of each other yet.
  await Promise.all(guests.map((guest) => guest.send(roomId, `hello from ${guest.id}`)))
  const heard = new Set<string>()
  await host.syncUntil(({ rooms }) => {
    for (const { content } of rooms.join[roomId]?.timeline.events ?? []) heard.add(String(content['body']))
    return guests.every((guest) => heard.has(`hello from ${guest.id}`)) ? true : undefined
  })
  await host.send(roomId, 'the last word')
  const said = (await host.messages(roomId)).sort()
  for (const guest of guests) {
    await guest.syncUntil(
      ({ rooms }) => rooms.join[roomId]?.timeline.events.some(({ content }) => content['body'] === 'the last word') || undefined,
    )
    assert.deepEqual((await guest.messages(roomId)).sort(), said, guest.id)
    const { joined } = await guest.ok('GET', `rooms/${encodeURIComponent(roomId)}/joined_members`)
    assert.deepEqual(Object.keys(joined ?? {}).sort(), users.map(({ id }) => id).sort())
  }
})
