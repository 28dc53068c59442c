import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bodies, roomOfTwo, syncServer } from './support.ts'

const messages = (limit: number) => ({ room: { timeline: { limit, types: ['m.room.message'] }, state: { types: [] } } })

describe('a joined room', () => {
  test('is in the first sync as a whole, and in the next only where something has changed', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const seen = await alice.room(room, { filter: { room: { timeline: { limit: 20 } } } })
    assert.deepEqual(seen.state.events, [])
    assert.equal(seen.timeline.events[0]?.type, 'm.room.create')
    assert.equal(seen.timeline.limited, false)
    assert.deepEqual(Object.keys((await alice.sync()).rooms.join), [])
  })

  test('comes with its state up to the start of the timeline, and the timeline with what follows', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    await alice.setState(room, 'm.room.topic', { topic: 'one' })
    await alice.send(room, 'first')
    await alice.setState(room, 'm.room.topic', { topic: 'two' })
    await alice.send(room, 'second')
    const { state, timeline } = await alice.room(room, { filter: { room: { timeline: { limit: 2 } } } })
    assert.deepEqual(bodies(timeline.events), [{ topic: 'two' }, 'second'])
    assert.equal(timeline.limited, true)
    const topics = state.events.filter(({ type }) => type === 'm.room.topic')
    assert.deepEqual(bodies(topics), [{ topic: 'one' }])
  })

  test('shows a new event to its sender with the transaction id, to others without', async () => {
    await using two = await roomOfTwo()
    const { alice, bob, room } = two
    await alice.sync()
    await bob.sync()
    const eventId = await alice.send(room, 'hello')
    const [own] = (await alice.room(room)).timeline.events
    const [others] = (await bob.room(room)).timeline.events
    assert.equal(own?.event_id, eventId)
    assert.equal(own.unsigned['transaction_id'], '1')
    assert.equal(others?.event_id, eventId)
    assert.deepEqual(others.unsigned, { age: 0, membership: 'join' })
  })

  test('that was just joined comes with its whole state and history, and replaces what the client had of the timeline', async () => {
    await using hs = await syncServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    const room = await alice.createRoom({ preset: 'public_chat' })
    await alice.setState(room, 'test.state', { key: 1 })
    for (const body of ['1', '2', '3']) await alice.send(room, body)
    await bob.sync()
    await alice.send(room, '4')
    await bob.join(room)
    const { state, timeline } = await bob.room(room, { filter: { room: { timeline: { limit: 3 } } } })
    assert.deepEqual(bodies(timeline.events), ['3', '4', 'join'])
    assert.equal(timeline.limited, true)
    assert.ok(state.events.some(({ type }) => type === 'm.room.create'))
    assert.ok(state.events.some(({ type }) => type === 'test.state'))
    assert.deepEqual(Object.keys((await bob.sync()).rooms.join), [])
  })

  test('does not come anew for a change of profile', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    await alice.sync()
    await alice.ok('PUT', `profile/${alice.id}/displayname`, { displayname: 'Alice' })
    const { state, timeline } = await alice.room(room)
    assert.deepEqual(state.events, [])
    assert.deepEqual(
      timeline.events.map(({ content }) => content['displayname']),
      ['Alice'],
    )
    const quiet = { room: { timeline: { types: [] }, state: { types: ['test.state'] }, ephemeral: { types: [] } } }
    await alice.sync({ filter: quiet })
    await alice.ok('PUT', `profile/${alice.id}/displayname`, { displayname: 'Alice again' })
    assert.deepEqual(Object.keys((await alice.sync({ filter: quiet })).rooms.join), [])
  })
})

describe('the timeline', () => {
  test('that is cut says so, and its token goes on exactly before its first event', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    await alice.sync()
    for (const body of ['1', '2', '3', '4']) await alice.send(room, body)
    const { timeline } = await alice.room(room, { filter: messages(2) })
    assert.deepEqual([bodies(timeline.events), timeline.limited], [['3', '4'], true])
    const page = await alice.ok<{ chunk: { content: { body: string } }[] }>(
      'GET',
      `rooms/${room}/messages?dir=b&limit=1&from=${timeline.prev_batch}`,
    )
    assert.deepEqual(
      page.chunk.map(({ content }) => content.body),
      ['2'],
    )
  })

  test('with just as many events as the limit lets through is not cut', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    await alice.sync()
    for (const body of ['1', '2']) await alice.send(room, body)
    const { timeline } = await alice.room(room, { filter: messages(2) })
    assert.deepEqual([bodies(timeline.events), timeline.limited], [['1', '2'], false])
  })

  test('is searched further where a filter drops events', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    await alice.send(room, 'wanted')
    for (let i = 0; i < 40; i++) await alice.send(room, { i }, 'test.filler')
    const { timeline } = await alice.room(room, { filter: messages(1) })
    assert.deepEqual([bodies(timeline.events), timeline.limited], [['wanted'], false])
  })

  test('with a limit of 0 holds nothing but says that there is something', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const { timeline, state } = await alice.room(room, {
      filter: { room: { timeline: { limit: 0 }, state: { types: ['m.room.member'] } } },
    })
    assert.deepEqual([timeline.events, timeline.limited], [[], true])
    assert.deepEqual(bodies(state.events), ['join'])
  })

  test('of two clients who last asked at different times is the same event', async () => {
    await using hs = await syncServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    const room = await alice.createRoom({ preset: 'public_chat' })
    const elsewhere = await bob.createRoom()
    await bob.join(room)
    const carol = await hs.user('carol')
    await carol.join(room)
    await bob.sync()
    await bob.send(elsewhere, 'in between')
    await carol.sync()
    await alice.send(room, 'hello')
    const seen = await Promise.all([bob.room(room), carol.room(room)])
    assert.deepEqual(seen[0].timeline.events, seen[1].timeline.events)
  })

  test('leaves out what ignored users say, but not what they do to the room', async () => {
    await using hs = await syncServer()
    const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
    const room = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(room)
    await carol.join(room)
    await alice.sync()
    await alice.ok('PUT', `user/${alice.id}/account_data/m.ignored_user_list`, { ignored_users: { [bob.id]: {} } })
    await bob.send(room, 'from bob')
    await carol.send(room, 'from carol')
    await bob.ok('PUT', `profile/${bob.id}/displayname`, { displayname: 'B' })
    assert.deepEqual(bodies((await alice.room(room)).timeline.events), ['from carol', 'join'])
    await bob.send(room, 'from bob')
    assert.deepEqual(Object.keys((await alice.sync()).rooms.join), [])
  })

  test('takes the form of other servers, or some members only, where the filter asks for it', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const eventId = await alice.send(room, 'hello')
    const limit = { room: { timeline: { limit: 1 } } }
    const federated = await alice.anew().room(room, { filter: { event_format: 'federation', ...limit } })
    const [pdu] = federated.timeline.events as unknown as Record<string, unknown>[]
    assert.equal(pdu?.['event_id'], eventId)
    for (const member of ['room_id', 'auth_events', 'prev_events', 'depth', 'hashes', 'signatures'])
      assert.ok(member in pdu, member)
    const partial = await alice.anew().room(room, { filter: { event_fields: ['content.body', 'type'], ...limit } })
    assert.deepEqual(partial.timeline.events, [{ content: { body: 'hello' }, type: 'm.room.message' }])
  })
})

describe('full_state', () => {
  test('gives all of the state again, with only what is new of the timeline', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const quiet = await alice.createRoom()
    await alice.setState(room, 'test.state', { key: 1 }, 'stays')
    await alice.setState(room, 'test.state', { key: 1 }, 'changes')
    await alice.sync()
    await alice.setState(room, 'test.state', { key: 2 }, 'changes')
    for (const body of ['1', '2']) await alice.send(room, body)
    const { rooms } = await alice.sync({
      full_state: 'true',
      filter: { room: { timeline: { limit: 2 }, state: { types: ['test.state'] } } },
    })
    assert.deepEqual(bodies(rooms.join[room]?.timeline.events ?? []), ['1', '2'])
    assert.deepEqual(
      new Set(rooms.join[room]?.state.events.map(({ state_key, content }) => `${state_key} ${content['key']}`)),
      new Set(['stays 1', 'changes 2']),
    )
    assert.deepEqual(rooms.join[quiet]?.timeline.events, [])
  })
})

describe('state', () => {
  test('that changed in the gap is beside the timeline; in the timeline it is nowhere else', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    await alice.setState(room, 'test.state', { key: 0 }, 'same')
    await alice.sync()
    await alice.setState(room, 'test.state', { key: 1 }, 'gap')
    await alice.send(room, 'x')
    await alice.setState(room, 'test.state', { key: 1 }, 'timeline')
    const { state, timeline } = await alice.room(room, { filter: { room: { timeline: { limit: 1 } } } })
    assert.deepEqual(
      state.events.map((event) => event.state_key),
      ['gap'],
    )
    assert.deepEqual(
      timeline.events.map((event) => event.state_key),
      ['timeline'],
    )
  })

  test('goes up to the end of the timeline where the client asks for that', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const first = await alice.room(room, { use_state_after: 'true' })
    assert.equal('state' in first, false)
    assert.deepEqual(
      new Set(first.state_after.events.map(({ event_id }) => event_id)),
      new Set(first.timeline.events.map(({ event_id }) => event_id)),
    )
    await alice.setState(room, 'test.state', { key: 1 })
    await alice.send(room, 'x')
    const next = await alice.room(room, { use_state_after: 'true' })
    assert.deepEqual(bodies(next.state_after.events), [{ key: 1 }])
    assert.equal(next.timeline.events.length, 2)
    await alice.send(room, 'y')
    const quiet = Object.entries(await alice.room(room, { 'org.matrix.msc4222.use_state_after': 'true' }))
    assert.deepEqual(
      quiet.filter(([name]) => name.includes('state')),
      [['org.matrix.msc4222.state_after', { events: [] }]],
    )
    await alice.send(room, 'z')
    const both = await alice.room(room, { use_state_after: 'true', 'org.matrix.msc4222.use_state_after': 'true' })
    assert.deepEqual(
      Object.keys(both).filter((name) => name.includes('state')),
      ['org.matrix.msc4222.state_after'],
    )
  })

  test('that state resolution has changed without an event of the timeline is told', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const roomId = await alice.createRoom()
    await alice.setState(roomId, 'test.state', { key: 1 })
    const before = await hs.storage.rooms.find(roomId as never)
    assert.ok(before)
    const { nid } = before
    const rootBefore = await hs.storage.rooms.head(nid).then(({ stateRoot }) => stateRoot)
    await alice.setState(roomId, 'test.state', { key: 2 })
    await alice.sync()
    await hs.storage.db.write((batch) => hs.storage.stateJumps.add(batch, nid, rootBefore))
    const { state, timeline } = await alice.room(roomId)
    assert.deepEqual([bodies(state.events), timeline.events], [[{ key: 1 }], []])
  })
})
