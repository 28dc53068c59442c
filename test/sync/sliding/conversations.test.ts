import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import type { TestHomeserver } from '../../support/homeserver.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'
import { bodiesOf, elementX, ELEMENT_X_STATE, keysOf, listOf, Slider, type SlidingEvent, UNSTABLE } from './support.ts'

async function two(hs: TestHomeserver): Promise<[TestUser, TestUser]> {
  const [alice, bob] = await hs.users('alice', 'bob')
  return [alice, bob]
}

/** What the encryption connection asks for. */
const encryptionOnly = (since?: unknown) => ({
  extensions: { to_device: { enabled: true, ...(typeof since === 'string' && { since }) }, e2ee: { enabled: true } },
})

describe('the start of Element X', () => {
  test('the list grows, then waits; a room that is opened comes with more of its timeline', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    const rooms: string[] = []
    for (const name of ['one', 'two', 'three']) rooms.push(await alice.createRoom({ name, preset: 'public_chat' }))
    const [first = '', , third = ''] = rooms
    await bob.join(first)
    for (const text of ['a', 'b', 'c']) await bob.send(first, text)

    const list = new Slider(alice)
    const start = await list.sync(elementX(0), 0)
    assert.deepEqual(start.lists, { all_rooms: { count: 3 } })
    assert.deepEqual(Object.keys(start.rooms), [first])
    const room = start.rooms[first]
    assert.equal(room?.initial, true)
    assert.equal(room.name, 'one')
    assert.equal(room.limited, true)
    assert.equal(room.joined_count, 2)
    assert.equal(room.heroes, undefined)
    assert.deepEqual(bodiesOf(room.timeline), ['c'])
    assert.deepEqual(
      keysOf(room.required_state).filter((key) => key.startsWith('m.room.member')),
      [`m.room.member ${alice.id}`, `m.room.member ${bob.id}`],
    )
    assert.ok(keysOf(room.required_state).includes('m.room.create '))
    assert.ok(start.extensions['account_data'])

    const grown = await list.sync(elementX(19), 0)
    assert.deepEqual(new Set(Object.keys(grown.rooms)), new Set(rooms.slice(1)))

    const opened = await list.room(first, {
      ...elementX(19),
      room_subscriptions: {
        [first]: { timeline_limit: 20, required_state: [...ELEMENT_X_STATE, ['m.room.pinned_events', '*']] },
      },
    })
    assert.equal(opened.initial, undefined)
    assert.equal(opened.unstable_expanded_timeline, true)
    assert.deepEqual(bodiesOf(opened.timeline), ['a', 'b', 'c'])
    assert.equal(opened.num_live, 0)

    const waiting = list.room(third, elementX(19), 30_000)
    await alice.send(third, 'hello')
    const news = await waiting
    assert.deepEqual(bodiesOf(news.timeline), ['hello'])
    assert.equal(news.num_live, 1)
    assert.equal(news.initial, undefined)
  })

  test('the encryption connection is answered at once at first, and brings messages to the device until they are acknowledged', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    const encryption = new Slider(alice, 'encryption')
    const start = await encryption.sync(encryptionOnly(), 30_000)
    assert.deepEqual(start.rooms, {})
    assert.deepEqual(start.extensions['e2ee'], {
      device_one_time_keys_count: { signed_curve25519: 0 },
      device_unused_fallback_key_types: [],
    })
    const since = start.extensions['to_device']?.['next_batch']
    const waiting = encryption.ask(encryptionOnly(since), 30_000)
    const messages = { [alice.id]: { [alice.deviceId]: { greeting: 'hi' } } }
    await bob.ok('PUT', 'sendToDevice/test.type/1', { messages })
    const sent = [{ type: 'test.type', sender: bob.id, content: { greeting: 'hi' } }]
    const told = await waiting
    assert.deepEqual(told.extensions['to_device']?.['events'], sent)
    const again = await encryption.sync(encryptionOnly(since))
    assert.deepEqual(again.extensions['to_device']?.['events'], sent)
    const after = await encryption.sync(encryptionOnly(again.extensions['to_device']?.['next_batch']))
    assert.deepEqual(after.extensions['to_device']?.['events'], [])
  })

  test('messages to the device come as many at once as are asked for, and none is lost', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    for (let i = 0; i < 5; i++)
      await bob.ok('PUT', `sendToDevice/test.type/${i}`, { messages: { [alice.id]: { '*': { number: i } } } })
    const encryption = new Slider(alice, 'encryption')
    const numbers: unknown[][] = []
    let since: unknown
    while (numbers.at(-1)?.length !== 0) {
      const asked = { enabled: true, limit: 2, ...(typeof since === 'string' && { since }) }
      const { extensions } = await encryption.sync({ extensions: { to_device: asked } })
      const { events, next_batch: next } = extensions['to_device'] as { events: SlidingEvent[]; next_batch: string }
      numbers.push(events.map(({ content }) => content['number']))
      since = next
    }
    assert.deepEqual(numbers, [[0, 1], [2, 3], [4], []])
  })

  test('an invite has its state; once joined, the room starts anew; once left, the member event says so', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    const room = await alice.createRoom({ name: 'party', invite: [bob.id] })
    const list = new Slider(bob)
    const invited = await list.room(room, elementX(19))
    assert.ok(keysOf(invited.invite_state).includes('m.room.name '))
    assert.equal(invited.timeline, undefined)
    assert.deepEqual((await list.sync(elementX(19))).rooms, {})
    await bob.join(room)
    const joined = await list.room(room, elementX(19))
    assert.equal(joined.initial, true)
    assert.equal(joined.name, 'party')
    await bob.leave(room)
    const left = await list.room(room, elementX(19))
    const own = left.required_state?.find(({ state_key: key }) => key === bob.id)
    assert.equal(own?.content['membership'], 'leave')
    await alice.send(room, 'nobody tells bob')
    assert.deepEqual((await list.sync(elementX(19))).rooms, {})
    assert.deepEqual((await new Slider(bob, 'other').sync(elementX(19))).rooms, {})
  })
})

describe('a connection', () => {
  test('gives the same again for the same pos, and goes on from any answer to it', async () => {
    await using hs = await testHomeserver()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const list = new Slider(alice)
    await list.sync(listOf({}))
    await alice.send(room, 'hello')
    const lost = await list.ask(listOf({}))
    const got = await list.ask(listOf({}))
    assert.deepEqual(bodiesOf(lost.rooms[room]?.timeline), ['hello'])
    assert.deepEqual(bodiesOf(got.rooms[room]?.timeline), ['hello'])
    list.pos = got.pos
    assert.deepEqual((await list.sync(listOf({}))).rooms, {})
  })

  test('is one of several of a device, and of no other', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    const room = await alice.createRoom()
    const one = new Slider(alice, 'one')
    const other = new Slider(alice, 'other')
    await one.sync(listOf({}))
    assert.equal((await other.room(room, listOf({}))).initial, true)
    assert.deepEqual((await one.sync(listOf({}))).rooms, {})
    const path = `${UNSTABLE}?pos=${one.pos}`
    await alice.refused(400, 'M_UNKNOWN_POS', 'POST', path, { conn_id: 'other' })
    await bob.refused(400, 'M_UNKNOWN_POS', 'POST', path, { conn_id: 'one' })
    await alice.refused(400, 'M_UNKNOWN_POS', 'POST', `${UNSTABLE}?pos=nonsense`, { conn_id: 'one' })
  })

  test('is refused after a restart, so that the client begins anew', async () => {
    await using hs = await testHomeserver()
    const alice = await hs.user('alice')
    const list = new Slider(alice)
    await list.sync(listOf({}))
    await hs.restart()
    await alice.refused(400, 'M_UNKNOWN_POS', 'POST', list.path(), { conn_id: 'room-list' })
  })

  test('has positions that /sync and /messages go on from', async () => {
    await using hs = await testHomeserver()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const { pos } = await new Slider(alice).sync(listOf({}))
    await alice.send(room, 'hello')
    const { rooms } = await alice.sync({ since: pos })
    assert.deepEqual(bodiesOf(rooms.join[room]?.timeline.events), ['hello'])
    const page = await alice.ok('GET', `rooms/${encodeURIComponent(room)}/messages?dir=f&from=${pos}`)
    assert.deepEqual(bodiesOf(page['chunk'] as never), ['hello'])
  })
})

describe('the rooms of a list', () => {
  test('pass its filters', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    const plain = await alice.createRoom({})
    const space = await alice.createRoom({ creation_content: { type: 'm.space' } })
    const secret = await alice.createRoom({
      initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    })
    const invite = await bob.createRoom({ invite: [alice.id] })
    await alice.setState(space, 'm.space.child', { via: ['test.example'] }, secret)
    await alice.ok('PUT', `user/${alice.id}/account_data/m.direct`, { [bob.id]: [plain] })
    await alice.ok('PUT', `user/${alice.id}/rooms/${plain}/tags/m.favourite`, {})
    for (const [filters, expected] of [
      [{}, [plain, space, secret, invite]],
      [{ is_invite: true }, [invite]],
      [{ is_invite: false }, [plain, space, secret]],
      [{ is_dm: true }, [plain]],
      [{ is_encrypted: true }, [secret]],
      [{ room_types: ['m.space'] }, [space]],
      [{ not_room_types: ['m.space'], is_invite: false }, [plain, secret]],
      [{ room_types: [null] }, [plain, secret, invite]],
      [{ spaces: [space] }, [secret]],
      [{ tags: ['m.favourite'] }, [plain]],
      [{ not_tags: ['m.favourite'] }, [space, secret, invite]],
    ] as const) {
      const { rooms, lists } = await new Slider(alice).sync(listOf({ filters: filters as never }))
      assert.deepEqual(new Set(Object.keys(rooms)), new Set(expected), JSON.stringify(filters))
      assert.equal(lists['all']?.count, expected.length)
    }
  })

  test('tell of names, heroes, direct chats, counts and receipts as they change', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    const room = await alice.createRoom({ preset: 'public_chat', room_alias_name: 'an-alias-is-no-name' })
    await bob.join(room)
    const list = new Slider(alice)
    const asked = listOf({ required_state: [['m.room.name', '']] }, { extensions: { receipts: { enabled: true } } })
    const start = await list.room(room, asked)
    assert.deepEqual(start.heroes, [{ user_id: bob.id, displayname: 'bob' }])
    assert.equal(start.is_dm, undefined)
    await alice.setState(room, 'm.room.name', { name: 'ours' })
    const named = await list.room(room, asked)
    assert.equal(named.name, 'ours')
    assert.deepEqual(keysOf(named.required_state), ['m.room.name '])
    await alice.ok('PUT', `user/${alice.id}/account_data/m.direct`, { [bob.id]: [room] })
    assert.equal((await list.room(room, asked)).is_dm, true)
    const event = await bob.send(room, 'hello')
    assert.equal((await list.room(room, asked)).notification_count, 1)
    await alice.ok('POST', `rooms/${encodeURIComponent(room)}/receipt/m.read.private/${encodeURIComponent(event)}`, {})
    const { rooms, extensions } = await list.sync(asked)
    assert.equal(rooms[room]?.notification_count, 0)
    assert.ok(JSON.stringify(extensions['receipts']).includes(event))
  })

  test('have one receipt of a user at an event: the one for all threads', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    const room = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(room)
    const event = await alice.send(room, 'hello')
    const asked = listOf({}, { extensions: { receipts: { enabled: true } } })
    const list = new Slider(alice)
    await list.sync(asked)
    for (const thread of [{ thread_id: 'main' }, {}])
      await bob.ok('POST', `rooms/${encodeURIComponent(room)}/receipt/m.read/${encodeURIComponent(event)}`, thread)
    const { rooms } = (await list.sync(asked)).extensions['receipts'] as { rooms: Record<string, SlidingEvent> }
    const receipts = rooms[room]?.content[event] as { 'm.read': Record<string, JsonObject> }
    assert.deepEqual(Object.keys(receipts['m.read'][bob.id] ?? {}), ['ts'])
  })

  test('have the state that wildcards ask for, and no members but those needed', async () => {
    await using hs = await testHomeserver()
    const [alice, bob] = await two(hs)
    const room = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(room)
    await alice.setState(room, 'org.matrix.msc3401.call.member', { call: 1 }, `_${alice.id}_X`)
    const all = await new Slider(alice).room(
      room,
      listOf({
        timeline_limit: 1,
        required_state: [
          ['*', '*'],
          ['m.room.member', '$LAZY'],
        ],
      }),
    )
    assert.ok(keysOf(all.required_state).includes(`org.matrix.msc3401.call.member _${alice.id}_X`))
    assert.ok(!keysOf(all.required_state).includes(`m.room.member ${bob.id}`))
    const members = await new Slider(alice).room(room, listOf({ required_state: [['m.room.member', '*']] }))
    assert.deepEqual(keysOf(members.required_state), [`m.room.member ${alice.id}`, `m.room.member ${bob.id}`])
  })
})

test('the stable shape says the same in its own words', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await two(hs)
  const room = await alice.createRoom({ name: 'ours' })
  const invite = await bob.createRoom({ name: 'theirs', invite: [alice.id] })
  const required = { include: [{}], exclude: [{ type: 'm.room.create' }], lazy_members: true }
  const answer = await alice.ok('POST', '/_matrix/client/v4/sync', {
    lists: { all: { range: [0, 9], timeline_limit: 1, required_state: required } },
  })
  const rooms = answer['rooms'] as Record<string, { [name: string]: unknown }>
  assert.deepEqual([rooms[room]?.['membership'], rooms[room]?.['lists'], rooms[room]?.['name']], ['join', ['all'], 'ours'])
  assert.ok(!keysOf(rooms[room]?.['required_state'] as never).includes('m.room.create '))
  assert.ok(keysOf(rooms[room]?.['required_state'] as never).includes('m.room.power_levels '))
  assert.equal(rooms[room]?.['notification_count'], undefined)
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', '/_matrix/client/v4/sync', { set_presence: 'busy' })
  assert.ok(keysOf(rooms[invite]?.['stripped_state'] as never).includes('m.room.name '))
})
