/** MSC4429: changes of profiles in /sync. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { testHomeserver } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'

const STATUS = 'org.example.status'
const FILTER = JSON.stringify({ 'org.matrix.msc4429.profile_fields': { ids: [STATUS, 'displayname'] } })

const setStatus = (user: TestUser, status: string) => user.ok('PUT', `profile/${user.id}/${STATUS}`, { [STATUS]: status })
const removeStatus = (user: TestUser) => user.ok('DELETE', `profile/${user.id}/${STATUS}`)

/** What one more sync tells of profiles, by user. */
async function told(user: TestUser, query: Record<string, string> = {}): Promise<Record<string, JsonObject | null>> {
  const seen = (await user.sync({ filter: FILTER, ...query })) as unknown as JsonObject
  const users = Object.entries((seen['org.matrix.msc4429.users'] ?? {}) as Record<string, { profile_updates: JsonObject | null }>)
  return Object.fromEntries(users.map(([id, { profile_updates: updates }]) => [id, updates]))
}

test('clients that ask for fields are told of them at first, and when they change', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = (await hs.users('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await setStatus(alice, 'here')
  await setStatus(carol, 'elsewhere')
  assert.deepEqual(await told(bob), {
    [alice.id]: { [STATUS]: 'here', displayname: 'alice' },
    [bob.id]: { displayname: 'bob' },
  })
  assert.deepEqual(await told(bob), {})
  await setStatus(alice, 'busy')
  await setStatus(alice, 'away')
  await alice.ok('PUT', `profile/${alice.id}/m.tz`, { 'm.tz': 'Europe/London' })
  await setStatus(bob, 'mine')
  await setStatus(carol, 'not for you')
  assert.deepEqual(await told(bob), { [alice.id]: { [STATUS]: 'away' }, [bob.id]: { [STATUS]: 'mine' } })
  await removeStatus(alice)
  await hs.restart()
  assert.deepEqual(await told(bob), { [alice.id]: { [STATUS]: null } })
  await carol.join(room)
  assert.deepEqual(await told(bob), { [carol.id]: { [STATUS]: 'not for you', displayname: 'carol' } })
})

test('whoever waits is woken, and who has not asked is told nothing', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  await bob.join(await alice.createRoom({ preset: 'public_chat' }))
  await told(bob)
  const waiting = told(bob, { timeout: '30000' })
  await setStatus(alice, 'here')
  assert.deepEqual(await waiting, { [alice.id]: { [STATUS]: 'here' } })
  assert.ok(!('org.matrix.msc4429.users' in (await alice.sync())))
  await bob.refused(
    400,
    'M_BAD_JSON',
    'GET',
    `sync?filter=${encodeURIComponent('{"org.matrix.msc4429.profile_fields":{"ids":1}}')}`,
  )
})

test('who shares no room with the reader any more is gone, whoever of them left', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = (await hs.users('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  const second = await alice.createRoom({ preset: 'public_chat' })
  for (const id of [room, second]) await bob.join(id)
  await carol.join(room)
  await told(bob)
  await carol.leave(room)
  await alice.leave(room)
  assert.deepEqual(await told(bob), { [carol.id]: null })
  await bob.leave(second)
  assert.deepEqual(await told(bob), { [alice.id]: null })
})

test('with lazily loaded members, profiles come with who is told of, once', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = (await hs.users('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat', name: 'has no heroes' })
  for (const user of [bob, carol]) await user.join(room)
  for (let count = 0; count < 3; count++) await alice.send(room, `message ${count}`)
  for (const user of [alice, carol]) await setStatus(user, 'here')
  const lazy = { timeline: { limit: 2 }, state: { lazy_load_members: true } }
  const filter = JSON.stringify({ ...(JSON.parse(FILTER) as JsonObject), room: lazy })
  const profile = (name: string) => ({ [STATUS]: 'here', displayname: name })
  const first = await told(bob, { filter })
  assert.deepEqual([first[alice.id], first[carol.id]], [profile('alice'), undefined])
  await alice.send(room, 'known already')
  assert.deepEqual(await told(bob, { filter }), {})
  await carol.send(room, 'not yet')
  assert.deepEqual(await told(bob, { filter }), { [carol.id]: profile('carol') })
  await setStatus(alice, 'away')
  assert.deepEqual(await told(bob, { filter }), { [alice.id]: { [STATUS]: 'away' } })
})
