import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestHomeserver } from '../../support/homeserver.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'
import { keysOf, Slider, type SlidingAnswer, type SlidingRoom, listOf } from './support.ts'

const ALL = listOf({ required_state: [['m.room.member', '$ME']] })
const V4 = { lists: { all: { timeline_limit: 5, required_state: { lazy_members: true } } } }

/** Alice's public room, which Bob has joined, and Bob's list, which tells of it. */
async function joined(hs: TestHomeserver): Promise<{ alice: TestUser; bob: TestUser; room: string; list: Slider }> {
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat', name: 'ours' })
  await bob.join(room)
  const list = new Slider(bob)
  await list.sync(ALL)
  return { alice, bob, room, list }
}

const memberships = (room: SlidingRoom | undefined) =>
  room?.timeline?.filter(({ type }) => type === 'm.room.member').map(({ content }) => content['membership'])

const own = (room: SlidingRoom | undefined) => room?.required_state?.map(({ content }) => content['membership'])

describe('a room that the user is not in any more', () => {
  test('is told to a device even where another one has forgotten it at once, and then no more', async () => {
    await using hs = await testHomeserver()
    const { bob, room, list } = await joined(hs)
    await bob.leave(room)
    await bob.ok('POST', `rooms/${encodeURIComponent(room)}/forget`, {})
    assert.deepEqual(own(await list.room(room, ALL)), ['leave'])
    assert.deepEqual((await list.sync(ALL)).lists, { all: { count: 0 } })
    assert.deepEqual((await new Slider(bob, 'other').sync(ALL)).rooms, {})
  })

  test('ends with a ban, though that has been lifted since', async () => {
    await using hs = await testHomeserver()
    const { alice, bob, room, list } = await joined(hs)
    await alice.ban(room, bob.id)
    await alice.setState(room, 'm.room.name', { name: 'not for bob' })
    await alice.unban(room, bob.id)
    for (const told of [await list.room(room, ALL), await new Slider(bob, 'other').room(room, ALL)]) {
      assert.deepEqual(memberships(told)?.at(-1), 'ban')
      assert.deepEqual(own(told), ['leave'])
      assert.equal(JSON.stringify(told).includes('not for bob'), false)
    }
  })

  test('sorts by when the user left it', async () => {
    await using hs = await testHomeserver()
    const { alice, bob, room, list } = await joined(hs)
    const message = await alice.send(room, 'hello')
    const before = await list.room(room, ALL)
    assert.equal(before.timeline?.at(-1)?.event_id, message)
    await alice.kick(room, bob.id)
    const after = await list.room(room, ALL)
    assert.ok((after.bump_stamp ?? 0) > (before.bump_stamp ?? 0))
  })

  test('shows nothing but the end of it where the user never was in it', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await hs.users('alice', 'bob')
    const room = await alice.createRoom({ name: 'theirs', invite: [bob.id] })
    const sync = async (pos?: string) =>
      (await bob.ok('POST', '/_matrix/client/v4/sync', { ...V4, ...(pos !== undefined && { pos }) })) as unknown as SlidingAnswer
    const { pos } = await sync()
    await bob.leave(room)
    const refused = (await sync(pos)).rooms[room]
    assert.equal(refused?.membership, 'leave')
    assert.deepEqual(keysOf(refused.stripped_state), [`m.room.member ${bob.id}`])
  })
})

test('a name that becomes empty is removed', async () => {
  await using hs = await testHomeserver()
  const { alice, room, list } = await joined(hs)
  await alice.setState(room, 'm.room.name', { name: '' })
  const { name, heroes } = await list.room(room, ALL)
  assert.equal(name, null)
  assert.deepEqual(
    heroes?.map(({ user_id: userId }) => userId),
    [alice.id],
  )
  assert.equal((await new Slider(alice, 'other').room(room, ALL)).name, undefined)
})
