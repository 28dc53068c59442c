/** MSC2815: those who may redact events read what was redacted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminOf } from '../../support/hostile.ts'
import { testFederation, testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'

const pathOf = (room: string, event: string, wish = 'true') =>
  `rooms/${encodeURIComponent(room)}/event/${encodeURIComponent(event)}?fi.mau.msc2815.include_unredacted_content=${wish}`
const redact = (user: TestUser, room: string, event: string) =>
  user.ok('PUT', `rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(event)}/t`, { reason: 'rude' })

test('moderators read what users and they themselves have redacted, if they ask for it', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = (await hs.users('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser]
  const admin = await adminOf(hs)
  const room = await alice.createRoom({ preset: 'public_chat' })
  for (const user of [bob, admin]) await user.join(room)
  const rude = await bob.send(room, 'rude')
  assert.deepEqual((await alice.ok('GET', pathOf(room, rude)))['content'], { msgtype: 'm.text', body: 'rude' })
  await redact(bob, room, rude)
  for (const reader of [alice, admin]) {
    const { content, unsigned } = await reader.ok('GET', pathOf(room, rude))
    assert.deepEqual(content, { msgtype: 'm.text', body: 'rude' })
    assert.equal(Object(unsigned)['redacted_because'].content.reason, 'rude')
    assert.deepEqual((await reader.ok('GET', pathOf(room, rude, 'false')))['content'], {})
  }
  await bob.refused(403, 'M_FORBIDDEN', 'GET', pathOf(room, rude))
  await carol.refused(404, 'M_NOT_FOUND', 'GET', pathOf(room, rude))
  await alice.refused(400, 'M_INVALID_PARAM', 'GET', pathOf(room, rude, 'perhaps'))
})

test('what came here redacted is not to be had', async () => {
  await using servers = await testFederation(2)
  const [here, there] = servers
  assert.ok(here && there)
  const [alice, bob] = [await here.user('alice'), await there.user('bob')]
  const room = await bob.createRoom({ preset: 'public_chat', power_level_content_override: { users: { [alice.id]: 50 } } })
  const rude = await bob.send(room, 'rude')
  await redact(bob, room, rude)
  await alice.join(room, there.name)
  await alice.messages(room)
  await alice.refused(404, 'FI.MAU.MSC2815_UNREDACTED_CONTENT_NOT_RECEIVED', 'GET', pathOf(room, rude))
  const { content, unsigned } = await alice.ok('GET', pathOf(room, rude, 'false'))
  assert.deepEqual([content, Object(unsigned)['redacted_because'].content.reason], [{}, 'rude'])
})
