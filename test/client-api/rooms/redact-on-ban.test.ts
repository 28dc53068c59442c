/** MSC4293: what a user has said since they came in is redacted with their kick or ban. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testFederation, testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'

const FLAG = { 'org.matrix.msc4293.redact_events': true }

const at = (room: string) => `rooms/${encodeURIComponent(room)}`
const eventOf = (user: TestUser, room: string, event: string) => user.ok('GET', `${at(room)}/event/${encodeURIComponent(event)}`)
const end = (user: TestUser, room: string, action: 'kick' | 'ban', target: TestUser, flag: JsonObject = FLAG) =>
  user.ok('POST', `${at(room)}/${action}`, { user_id: target.id, reason: 'spam', ...flag })

test('what a user has sent in their last stay is redacted, by the event that ended it', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await bob.send(room, 'A')
  await bob.leave(room)
  await bob.join(room)
  const root = await alice.send(room, 'root')
  const [spam] = await Promise.all(['D', 'E'].map((body) => bob.send(room, body)))
  assert.ok(spam)
  await bob.send(room, { msgtype: 'm.text', body: 'F', 'm.relates_to': { rel_type: 'm.thread', event_id: root } })
  assert.equal(Object((await eventOf(alice, room, root))['unsigned'])['m.relations']['m.thread'].count, 1)
  await end(alice, room, 'ban', bob)
  assert.deepEqual(await alice.messages(room), ['A', 'root'])
  assert.equal(Object((await eventOf(alice, room, root))['unsigned'])['m.relations'], undefined)
  const because = Object((await eventOf(alice, room, spam))['unsigned'])['redacted_because']
  assert.deepEqual([because.type, because.state_key], ['m.room.member', bob.id])
  assert.deepEqual(because.content, { membership: 'ban', reason: 'spam', ...FLAG })
  await alice.unban(room, bob.id)
  await bob.join(room)
  await bob.send(room, 'sorry')
  assert.deepEqual(await alice.messages(room), ['A', 'root', 'sorry'])
  await hs.restart()
  assert.deepEqual(await alice.messages(room), ['A', 'root', 'sorry'])
})

test('only who may redact does so, and only if they say so', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = (await hs.users('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser]
  const levels = { users: { [alice.id]: 100, [bob.id]: 50 }, redact: 60 }
  const room = await alice.createRoom({ preset: 'public_chat', room_version: '11', power_level_content_override: levels })
  for (const user of [bob, carol]) await user.join(room)
  await carol.send(room, 'stays')
  await end(bob, room, 'kick', carol)
  await carol.join(room)
  await end(alice, room, 'kick', carol, { 'org.matrix.msc4293.redact_events': false })
  await carol.join(room)
  await carol.ok('PUT', `${at(room)}/state/m.room.member/${carol.id}`, { membership: 'leave', ...FLAG })
  assert.deepEqual(await alice.messages(room), ['stays'])
  await alice.refused(400, 'M_BAD_JSON', 'POST', `${at(room)}/ban`, { user_id: carol.id, 'org.matrix.msc4293.redact_events': 1 })
})

test('other servers do the same', async () => {
  await using servers = await testFederation(2)
  const [here, there] = servers
  assert.ok(here && there)
  const [alice, bob, carol] = [await here.user('alice'), await there.user('bob'), await there.user('carol')]
  const room = await alice.createRoom({ preset: 'public_chat' })
  for (const user of [bob, carol]) await user.join(room, here.name)
  await bob.send(room, 'spam')
  await carol.send(room, 'hello')
  await alice.syncUntil(({ rooms }) => rooms.join[room]?.timeline.events.find(({ content }) => content['body'] === 'hello'))
  await end(alice, room, 'ban', bob)
  await carol.syncUntil(({ rooms }) => rooms.join[room]?.timeline.events.find(({ content }) => content['membership'] === 'ban'))
  assert.deepEqual(await carol.messages(room), ['hello'])
})
