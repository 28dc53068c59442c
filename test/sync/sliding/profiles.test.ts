/** MSC4262: profiles in sliding sync. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'
import { listOf, type SlidingAnswer, Slider } from './support.ts'

const PROFILES = 'org.matrix.msc4262.profiles'
const STATUS = 'org.example.status'
const MOOD = 'org.example.mood'

const set = (user: TestUser, field: string, value: string) => user.ok('PUT', `profile/${user.id}/${field}`, { [field]: value })
const usersOf = (answer: SlidingAnswer) => (answer.extensions[PROFILES] as { users?: JsonObject } | undefined)?.users ?? {}
const asking = (extension: JsonObject = {}, list: JsonObject = {}) =>
  listOf(list, { extensions: { [PROFILES]: { enabled: true, fields: [STATUS], ...extension } } })

async function setUp(hs: { users(...names: string[]): Promise<TestUser[]> }) {
  const [alice, bob, carol] = (await hs.users('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await set(alice, STATUS, 'here')
  await set(carol, STATUS, 'elsewhere')
  return { alice, bob, carol, room, slider: new Slider(bob) }
}

test('profiles come with the rooms, then what changes of them, by field', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, carol, room, slider } = await setUp(hs)
  const { unstable_features: features } = await alice.ok('GET', '/_matrix/client/versions')
  assert.equal((features as JsonObject)['org.matrix.msc4262'], true)
  assert.deepEqual(usersOf(await slider.sync(asking())), { [alice.id]: { updated: { [STATUS]: 'here' } } })
  assert.deepEqual(usersOf(await slider.sync(asking())), {})
  await set(alice, STATUS, 'busy')
  await set(alice, MOOD, 'not asked for')
  await set(bob, STATUS, 'mine')
  await set(carol, STATUS, 'no room is shared')
  const changed = { [alice.id]: { updated: { [STATUS]: 'busy' } }, [bob.id]: { updated: { [STATUS]: 'mine' } } }
  assert.deepEqual(usersOf(await slider.ask(asking())), changed)
  assert.deepEqual(usersOf(await slider.sync(asking())), changed, 'until the client goes on, it is told again')
  await alice.ok('DELETE', `profile/${alice.id}/${STATUS}`)
  assert.deepEqual(usersOf(await slider.sync(asking())), { [alice.id]: { removed: [STATUS] } })
  await carol.join(room)
  assert.deepEqual(usersOf(await slider.sync(asking())), { [carol.id]: { updated: { [STATUS]: 'no room is shared' } } })
  await carol.leave(room)
  assert.deepEqual(usersOf(await slider.sync(asking())), { [carol.id]: null })
})

test('fields that are asked for later are told of all who are there, and without fields all are', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, slider } = await setUp(hs)
  await set(alice, MOOD, 'glad')
  await slider.sync(asking())
  assert.deepEqual(usersOf(await slider.sync(asking({ fields: [STATUS, MOOD] }))), {
    [alice.id]: { updated: { [MOOD]: 'glad' } },
  })
  const everything = { [alice.id]: { updated: { displayname: 'alice', [STATUS]: 'here', [MOOD]: 'glad' } } }
  const bobs = { [bob.id]: { updated: { displayname: 'bob' } } }
  assert.deepEqual(usersOf(await slider.sync(asking({ fields: null }))), { ...everything, ...bobs })
  assert.deepEqual(usersOf(await slider.sync(asking({ fields: null }))), {})
})

test('with lazily loaded members, profiles come with who is told of; rooms outside of the windows tell changes only', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, carol, room, slider } = await setUp(hs)
  await carol.join(room)
  for (let count = 0; count < 6; count++) await alice.send(room, `message ${count}`)
  const lazy = { timeline_limit: 2, required_state: [['m.room.member', '$LAZY']] }
  const fields = [STATUS, 'displayname']
  const first = usersOf(await slider.sync(asking({ fields, rooms: [] }, lazy)))
  assert.deepEqual(first[alice.id], { updated: { displayname: 'alice', [STATUS]: 'here' } })
  await bob.send(room, 'own')
  assert.ok(!(alice.id in usersOf(await slider.sync(asking({ fields, rooms: [] }, lazy)))))
  const other = new Slider(bob, 'other')
  const outside = { ranges: [], timeline_limit: 1 }
  assert.deepEqual(usersOf(await other.sync(asking({}, outside))), {})
  await set(carol, STATUS, 'seen from outside')
  assert.deepEqual(usersOf(await other.sync(asking({}, outside), 30_000)), {
    [carol.id]: { updated: { [STATUS]: 'seen from outside' } },
  })
})

test('whoever leaves the last shared room need not keep the profiles of those who stay', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room, slider } = await setUp(hs)
  await slider.sync(asking())
  await bob.leave(room)
  assert.deepEqual(usersOf(await slider.sync(asking())), { [alice.id]: null })
})
