import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type SeenRoom, type Syncer, roomOfTwo, syncServer } from './support.ts'

const lazily = (more: { include_redundant_members?: boolean } = {}) => ({
  room: { state: { lazy_load_members: true, ...more }, timeline: { limit: 10 } },
})

const membersIn = (room: SeenRoom | undefined) =>
  new Set(
    room?.state.events
      .filter(({ type }) => type === 'm.room.member')
      .map(({ state_key, content }) => `${state_key} ${content['membership']}`),
  )

const joined = (...users: Syncer[]) => new Set(users.map(({ id }) => `${id} join`))

async function fill(user: Syncer, room: string, count = 10) {
  for (let i = 0; i < count; i++) await user.send(room, { filler: i }, 'test.filler')
}

/** Alice's named room, in which the others are too. */
async function named(server: Awaited<ReturnType<typeof syncServer>>) {
  const [alice, bob, carol] = await server.users('alice', 'bob', 'carol')
  const room = await alice.createRoom({ preset: 'public_chat', name: 'Tea' })
  await bob.join(room)
  await carol.join(room)
  return { alice, bob, carol, room }
}

describe('members that are loaded lazily', () => {
  test('are at first those who sent the timeline, and oneself', async () => {
    await using hs = await syncServer()
    const { alice, bob, carol, room } = await named(hs)
    await fill(bob, room)
    await fill(carol, room)
    assert.deepEqual(membersIn(await alice.room(room, { filter: lazily() })), joined(alice, carol))
  })

  test('come with the first event of theirs, and not again', async () => {
    await using hs = await syncServer()
    const { alice, bob, carol, room } = await named(hs)
    await fill(bob, room)
    assert.deepEqual(membersIn(await alice.room(room, { filter: lazily() })), joined(alice, bob))
    await carol.send(room, 'hello')
    const second = await alice.room(room, { filter: lazily() })
    assert.deepEqual(
      second.state.events.map(({ state_key }) => state_key),
      [carol.id],
    )
    await carol.send(room, 'hello')
    await bob.send(room, 'hello')
    assert.deepEqual(membersIn(await alice.room(room, { filter: lazily() })), new Set())
  })

  test('are all beside the timeline where it is not to be taken for state', async () => {
    await using hs = await syncServer()
    const { alice, bob, carol, room } = await named(hs)
    const after = async (user: Syncer) => {
      const { state_after: state } = await user.room(room, { filter: lazily(), use_state_after: 'true' })
      return membersIn({ state } as SeenRoom)
    }
    assert.deepEqual(await after(alice), joined(alice, bob, carol))
    const dave = await hs.user('dave')
    await dave.sync({ filter: lazily() })
    await dave.join(room)
    assert.deepEqual(await after(dave), joined(alice, bob, carol, dave))
    await carol.send(room, 'hello')
    assert.deepEqual(await after(dave), new Set())
  })

  test('come again where the client repeats a request, and where it asks for that', async () => {
    await using hs = await syncServer()
    const { alice, carol, room } = await named(hs)
    const { next_batch: first } = await alice.sync({ filter: lazily() })
    await fill(carol, room)
    await carol.send(room, 'hello')
    const again = async () => (await alice.syncFrom(first, { filter: JSON.stringify(lazily()) })).rooms.join[room]
    assert.deepEqual(membersIn(await again()), membersIn(await again()))
    const all = lazily({ include_redundant_members: true })
    await alice.sync({ filter: all })
    await carol.send(room, 'hello')
    assert.deepEqual(membersIn(await alice.room(room, { filter: all })), joined(carol))
    await carol.send(room, 'hello')
    assert.deepEqual(membersIn(await alice.room(room, { filter: all })), joined(carol))
  })

  test('that changed in the gap all come, whether they have said something or not', async () => {
    await using hs = await syncServer()
    const { alice, bob, carol, room } = await named(hs)
    const dave = await hs.user('dave')
    await fill(bob, room)
    await alice.sync({ filter: lazily() })
    await dave.join(room)
    await fill(carol, room, 11)
    assert.deepEqual(membersIn(await alice.room(room, { filter: lazily() })), joined(carol, dave))
    await dave.ok('POST', `rooms/${room}/leave`, {})
    await fill(carol, room, 11)
    assert.deepEqual(membersIn(await alice.room(room, { filter: lazily() })), new Set([`${dave.id} leave`]))
  })

  test('in the timeline itself are not beside it', async () => {
    await using hs = await syncServer()
    const { alice, room } = await named(hs)
    const dave = await hs.user('dave')
    await alice.sync({ filter: lazily() })
    await dave.join(room)
    await dave.send(room, 'hello')
    assert.deepEqual(membersIn(await alice.room(room, { filter: lazily() })), new Set())
    await dave.send(room, 'hello')
    assert.deepEqual(membersIn(await alice.room(room, { filter: lazily() })), new Set())
  })
})

describe('the summary of a room', () => {
  test('names the first five others of a room without a name, and their member events come with it', async () => {
    await using hs = await syncServer()
    const users = await hs.users('alice', 'u1', 'u2', 'u3', 'u4', 'u5', 'u6')
    const [alice, ...others] = users
    assert.ok(alice)
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (const user of others) await user.join(room)
    await fill(alice, room)
    const seen = await alice.room(room, { filter: lazily() })
    assert.deepEqual(seen.summary, {
      'm.heroes': others.slice(0, 5).map(({ id }) => id),
      'm.joined_member_count': 7,
      'm.invited_member_count': 0,
    })
    assert.deepEqual(membersIn(seen), joined(alice, ...others.slice(0, 5)))
  })

  test('names them where the room has an alias and no name, or an empty one', async () => {
    await using hs = await syncServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    const room = await alice.createRoom({ preset: 'public_chat', room_alias_name: 'ours' })
    await bob.join(room)
    const heroes = async () => (await alice.anew().room(room)).summary?.['m.heroes']
    assert.deepEqual(await heroes(), [bob.id])
    await alice.setState(room, 'm.room.name', { name: 'ours' })
    assert.equal(await heroes(), undefined)
    await alice.setState(room, 'm.room.name', { name: '' })
    assert.deepEqual(await heroes(), [bob.id])
  })

  test('counts those who are in, and those who are invited, of a room with a name', async () => {
    await using hs = await syncServer()
    const { alice, bob, room } = await named(hs)
    const dave = await hs.user('dave')
    assert.deepEqual((await alice.room(room)).summary, { 'm.joined_member_count': 3, 'm.invited_member_count': 0 })
    await alice.ok('POST', `rooms/${room}/invite`, { user_id: dave.id })
    assert.deepEqual((await alice.room(room)).summary, { 'm.joined_member_count': 3, 'm.invited_member_count': 1 })
    await bob.ok('POST', `rooms/${room}/leave`, {})
    assert.deepEqual((await alice.room(room)).summary, { 'm.joined_member_count': 2, 'm.invited_member_count': 1 })
    await alice.send(room, 'nothing of that')
    assert.equal((await alice.room(room)).summary, undefined)
  })

  test('names those who left where nobody else is there', async () => {
    await using two = await roomOfTwo()
    const { alice, bob, room } = two
    await bob.ok('POST', `rooms/${room}/leave`, {})
    assert.deepEqual((await alice.room(room)).summary?.['m.heroes'], [bob.id])
  })
})
