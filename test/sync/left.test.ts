import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bodies, roomOfTwo, syncServer } from './support.ts'

const archive = { room: { include_leave: true } }

describe('a room that was left', () => {
  test('is told once, up to the leave and no further', async () => {
    await using two = await roomOfTwo()
    const { alice, bob, room } = two
    await bob.sync()
    await alice.send(room, 'before')
    await bob.ok('POST', `rooms/${room}/leave`, {})
    await alice.send(room, 'after')
    const { rooms } = await bob.sync()
    assert.deepEqual(Object.keys(rooms.join), [])
    assert.deepEqual(bodies(rooms.leave[room]?.timeline.events ?? []), ['before', 'leave'])
    assert.deepEqual(rooms.leave[room]?.state.events, [])
    await alice.send(room, 'later')
    assert.deepEqual(Object.keys((await bob.sync()).rooms.leave), [])
  })

  test('is told to a device even where another one has forgotten it at once', async () => {
    await using two = await roomOfTwo()
    const { bob, room } = two
    await bob.sync()
    await bob.ok('POST', `rooms/${room}/leave`, {})
    await bob.ok('POST', `rooms/${room}/forget`, {})
    const { leave } = (await bob.sync()).rooms
    assert.deepEqual(bodies(leave[room]?.timeline.events ?? []), ['leave'])
  })

  test('is in a first sync only where the filter asks for it', async () => {
    await using two = await roomOfTwo()
    const { alice, bob, room } = two
    await alice.send(room, 'before')
    await bob.ok('POST', `rooms/${room}/leave`, {})
    await alice.send(room, 'after')
    assert.deepEqual(Object.keys((await bob.anew().sync()).rooms.leave), [])
    const { rooms } = await bob.anew().sync({ filter: archive })
    assert.deepEqual(bodies(rooms.leave[room]?.timeline.events ?? []).slice(-2), ['before', 'leave'])
    await bob.ok('POST', `rooms/${room}/forget`, {})
    assert.deepEqual(Object.keys((await bob.anew().sync({ filter: archive })).rooms.leave), [])
  })

  test('tells its own leave even where the history is for members only', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'joined' })
    await alice.sync()
    await alice.ok('POST', `rooms/${room}/leave`, {})
    const { leave } = (await alice.sync()).rooms
    assert.deepEqual(bodies(leave[room]?.timeline.events ?? []), ['leave'])
  })

  test('tells a kick and a ban', async () => {
    await using two = await roomOfTwo()
    const { alice, bob, room } = two
    await bob.sync()
    await alice.ok('POST', `rooms/${room}/ban`, { user_id: bob.id })
    for (let i = 0; i < 12; i++) await alice.send(room, `${i}`)
    const { leave } = (await bob.sync()).rooms
    assert.deepEqual(bodies(leave[room]?.timeline.events ?? []), ['ban'])
    assert.deepEqual(leave[room]?.state.events, [])
  })

  test('tells of a ban that has been lifted, and of nothing that happened meanwhile', async () => {
    await using two = await roomOfTwo()
    const { alice, bob, room } = two
    const { next_batch: since } = await bob.sync()
    await alice.send(room, 'before')
    await alice.ok('POST', `rooms/${room}/ban`, { user_id: bob.id })
    await alice.setState(room, 'm.room.topic', { topic: 'not for bob' })
    await alice.ok('POST', `rooms/${room}/unban`, { user_id: bob.id })
    const left = (await bob.syncFrom(since)).rooms.leave[room]
    assert.deepEqual(bodies(left?.timeline.events ?? []), ['before', 'ban', 'leave'])
    assert.deepEqual(left?.state.events, [])
    const after = (await bob.syncFrom(since, { use_state_after: 'true' })).rooms.leave[room]
    assert.deepEqual(bodies(after?.state_after.events ?? []), ['leave'])
    const archived = (await bob.anew().sync({ filter: archive })).rooms.leave[room]
    assert.deepEqual(bodies(archived?.timeline.events ?? []).slice(-3), ['before', 'ban', 'leave'])
    assert.equal(JSON.stringify(archived).includes('not for bob'), false)
  })

  test('that was joined and left since the last sync comes with its whole state', async () => {
    await using hs = await syncServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    const room = await alice.createRoom({ preset: 'public_chat' })
    await alice.setState(room, 'test.state', { key: 1 })
    const filter = { room: { timeline: { types: [] }, state: { types: ['test.state'] } } }
    await bob.sync({ filter })
    await bob.join(room)
    await bob.ok('POST', `rooms/${room}/leave`, {})
    const { leave } = (await bob.sync({ filter })).rooms
    assert.deepEqual(bodies(leave[room]?.state.events ?? []), [{ key: 1 }])
  })

  test('that was left and joined again shows what made its state meanwhile, and nothing else from that time', async () => {
    await using hs = await syncServer()
    const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
    const room = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(room)
    await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'joined' })
    await bob.sync()
    await bob.ok('POST', `rooms/${room}/leave`, {})
    await carol.join(room)
    await carol.send(room, 'secret')
    await bob.join(room)
    const { timeline } = await bob.room(room)
    assert.deepEqual(
      timeline.events.map(({ sender, content }) => [sender, content['membership'] ?? content['body']]),
      [
        [bob.id, 'leave'],
        [carol.id, 'join'],
        [bob.id, 'join'],
      ],
    )
  })
})

describe('an invite', () => {
  test('comes with the stripped state of the room, and goes when it is accepted', async () => {
    await using hs = await syncServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    await bob.sync()
    const room = await alice.createRoom({ name: 'Tea', invite: [bob.id] })
    const { invite } = (await bob.sync()).rooms
    const events = invite[room]?.invite_state.events ?? []
    const own = events.find((event) => event['state_key'] === bob.id)
    assert.deepEqual(
      [own?.['type'], own?.['sender'], own?.['content']],
      ['m.room.member', alice.id, { membership: 'invite', displayname: 'bob' }],
    )
    assert.ok(events.some((event) => event['type'] === 'm.room.name'))
    assert.deepEqual(Object.keys((await bob.anew().sync()).rooms.invite), [room])
    await bob.join(room)
    const { rooms } = await bob.sync()
    assert.deepEqual([Object.keys(rooms.invite), Object.keys(rooms.join)], [[], [room]])
  })

  test('that is refused is told as a left room that shows nothing of itself', async () => {
    await using hs = await syncServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    const room = await alice.createRoom({ name: 'Tea', invite: [bob.id] })
    await bob.sync()
    await bob.ok('POST', `rooms/${room}/leave`, {})
    const { rooms } = await bob.sync()
    assert.deepEqual(Object.keys(rooms.invite), [])
    assert.deepEqual(bodies(rooms.leave[room]?.timeline.events ?? []), ['leave'])
    assert.deepEqual(rooms.leave[room]?.state.events, [])
  })

  test('of an ignored user does not arrive', async () => {
    await using hs = await syncServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    await bob.sync()
    await bob.ok('PUT', `user/${bob.id}/account_data/m.ignored_user_list`, { ignored_users: { [alice.id]: {} } })
    await alice.createRoom({ invite: [bob.id] })
    assert.deepEqual((await bob.sync()).rooms.invite, {})
    assert.deepEqual((await bob.anew().sync()).rooms.invite, {})
  })
})

test('a knock comes with the stripped state of the room', async () => {
  await using hs = await syncServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({
    name: 'Tea',
    initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
  })
  await bob.sync()
  await bob.ok('POST', `knock/${room}`, {})
  const events = (await bob.sync()).rooms.knock[room]?.knock_state.events ?? []
  assert.ok(events.some((event) => event['type'] === 'm.room.name'))
})
