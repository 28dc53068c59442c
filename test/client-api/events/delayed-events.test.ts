/** MSC4140: events that are sent later. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import { type Client, type Reply, roomServer } from '../../support/room-server.ts'
import { roomOf, stateOf, timelineOf } from '../../support/rooms.ts'
import { call, type TestUser } from '../../support/user.ts'

const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc4140'
const MINUTE = 60_000

type Server = Awaited<ReturnType<typeof server>>

/** A server whose delayed events are sent as its clock is moved on. */
async function server(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const rooms = stack.use(await roomServer({ env }))
  let stop = new AbortController()
  let running: Promise<void> = Promise.resolve()
  const sender = {
    start: () => {
      stop = new AbortController()
      running = rooms.rooms.delayedSender.run(stop.signal)
    },
    stop: async () => {
      stop.abort()
      await running
    },
  }
  stack.defer(sender.stop)
  return { ...rooms, sender, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

let requests = 0

async function schedule(user: Client, room: string, body: string, delay = MINUTE): Promise<string> {
  const path = `${UNSTABLE}/rooms/${room}/delayed_event/m.room.message/d${requests++}`
  return String((await user.ok('PUT', path, { delay_ms: delay, content: { msgtype: 'm.text', body } }))['delay_id'])
}

const manage = (user: Client, id: string, action: string) => user.call('POST', `${UNSTABLE}/delayed_events/${id}/${action}`, {})
const look = (user: Client, id: string) => user.ok('GET', `${UNSTABLE}/delayed_events/${id}`)

/** The delayed event, once it is known what became of it. */
async function finalised(user: Client, id: string): Promise<Reply> {
  for (let tries = 0; tries < 1_000; tries++) {
    const event = await look(user, id)
    if (event['finalised_ts'] !== undefined) return event
  }
  assert.fail('the event was never finalised')
}

async function bodies(on: Server, room: string): Promise<unknown[]> {
  return (await timelineOf(on, room)).filter(({ type }) => type === 'm.room.message').map(({ content }) => content['body'])
}

test('an event is sent when its time has come, not before, and its sender recognises it', async () => {
  await using hs = await server()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [Client, Client]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  hs.sender.start()
  const id = await schedule(alice, room, 'later')
  hs.clock.later(MINUTE - 1)
  const { delayed_events: waiting } = await alice.ok<{ delayed_events: Reply[] }>('GET', `${UNSTABLE}/delayed_events`)
  assert.deepEqual(waiting, [
    {
      delay_id: id,
      room_id: room,
      type: 'm.room.message',
      delay_ms: MINUTE,
      scheduled_at: hs.clock.now() - MINUTE + 1,
      delay: MINUTE,
      running_since: hs.clock.now() - MINUTE + 1,
      content: { msgtype: 'm.text', body: 'later' },
    },
  ])
  assert.deepEqual(await bodies(hs, room), [])
  hs.clock.later(1)
  const { event_id: eventId, finalised_ts: ts } = await finalised(alice, id)
  assert.equal(ts, hs.clock.now())
  assert.deepEqual(await bodies(hs, room), ['later'])
  assert.deepEqual(await alice.ok('GET', `${UNSTABLE}/delayed_events`), { delayed_events: [] })
  const unsigned = async (user: Client) =>
    (await user.ok<{ unsigned: Reply }>('GET', `rooms/${room}/event/${encodeURIComponent(String(eventId))}`)).unsigned
  assert.equal((await unsigned(alice))['org.matrix.msc4140.delay_id'], id)
  assert.equal((await unsigned(bob))['org.matrix.msc4140.delay_id'], undefined)
  await bob.refused('M_NOT_FOUND', 'GET', `${UNSTABLE}/delayed_events/${id}`)
})

test('the endpoints that send events take a delay too', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const delay = 'org.matrix.msc4140.delay=5000'
  const message = await alice.ok('PUT', `rooms/${room}/send/m.room.message/t1?${delay}`, { body: 'later' })
  assert.deepEqual(await alice.ok('PUT', `rooms/${room}/send/m.room.message/t1?${delay}`, { body: 'later' }), message)
  const state = await alice.ok('PUT', `rooms/${room}/state/m.room.topic/?${delay}`, { topic: 'later' })
  await alice.refused('M_INVALID_PARAM', 'PUT', `rooms/${room}/send/m.room.message/t2?org.matrix.msc4140.delay=0`, {})
  hs.sender.start()
  hs.clock.later(5_000)
  await finalised(alice, String(message['delay_id']))
  await finalised(alice, String(state['delay_id']))
  assert.deepEqual(await bodies(hs, room), ['later'])
  assert.deepEqual(await stateOf(hs, room, 'm.room.topic'), { topic: 'later' })
})

test('a delayed event becomes sticky when it is sent (MSC4354)', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const sticky = `org.matrix.msc4354.sticky_duration_ms=${10 * MINUTE}`
  const path = `rooms/${room}/send/m.rtc.member/t1?org.matrix.msc4140.delay=${MINUTE}&${sticky}`
  const ids = [
    (await alice.ok('PUT', path, {}))['delay_id'],
    (
      await alice.ok('PUT', `${UNSTABLE}/rooms/${room}/delayed_event/m.rtc.member/t2?${sticky}`, {
        delay_ms: MINUTE,
        content: {},
      })
    )['delay_id'],
  ]
  hs.sender.start()
  hs.clock.later(MINUTE)
  for (const id of ids) {
    const { event_id: eventId } = await finalised(alice, String(id))
    const event = await alice.ok<Record<string, Reply>>('GET', `rooms/${room}/event/${encodeURIComponent(String(eventId))}`)
    assert.deepEqual(event['msc4354_sticky'], { duration_ms: 10 * MINUTE })
    assert.equal(event['unsigned']?.['msc4354_sticky_duration_ttl_ms'], 10 * MINUTE)
  }
})

test('a request that is repeated schedules one event', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const path = `${UNSTABLE}/rooms/${room}/delayed_event/m.room.message/same`
  const body = { delay_ms: MINUTE, content: { body: 'once' } }
  const answers = await Promise.all([alice.ok('PUT', path, body), alice.ok('PUT', path, body)])
  assert.deepEqual(answers[0], answers[1])
  const { delayed_events: waiting } = await alice.ok<{ delayed_events: Reply[] }>('GET', `${UNSTABLE}/delayed_events`)
  assert.equal(waiting.length, 1)
})

test('who knows the delay_id restarts, cancels and sends', async () => {
  await using hs = await server()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [Client, Client]
  const room = await alice.createRoom()
  hs.sender.start()
  const [restarted, cancelled, sent] = [
    await schedule(alice, room, 'restarted'),
    await schedule(alice, room, 'cancelled'),
    await schedule(alice, room, 'sent'),
  ]
  hs.clock.later(MINUTE / 2)
  assert.equal((await manage(bob, restarted, 'restart')).status, 200)
  assert.equal((await bob.call('POST', `${UNSTABLE}/delayed_events/${cancelled}`, { action: 'cancel' })).status, 200)
  assert.equal((await manage(bob, sent, 'send')).status, 200)
  assert.deepEqual(await bodies(hs, room), ['sent'])
  hs.clock.later(MINUTE / 2)
  assert.equal((await look(alice, restarted))['finalised_ts'], undefined)
  hs.clock.later(MINUTE / 2)
  await finalised(alice, restarted)
  assert.deepEqual(await bodies(hs, room), ['sent', 'restarted'])

  const statuses = async (id: string) => {
    const answers = await Promise.all(['send', 'cancel', 'restart'].map((action) => manage(alice, id, action)))
    return answers.map(({ status }) => status)
  }
  assert.deepEqual(await statuses(sent), [200, 409, 409])
  assert.deepEqual(await statuses(cancelled), [409, 200, 409])
  assert.deepEqual(await statuses('nothing'), [404, 404, 404])
  assert.equal((await manage(alice, restarted, 'delete')).json['errcode'], 'M_INVALID_PARAM')
})

test('rights are those of the time of sending; what cannot be sent is not tried again by itself', async () => {
  await using hs = await server()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [Client, Client]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const id = await schedule(bob, room, 'too late')
  await alice.ok('POST', `rooms/${room}/kick`, { user_id: bob.id })
  assert.equal((await manage(bob, id, 'send')).json['errcode'], 'M_FORBIDDEN')
  assert.equal((await look(bob, id))['finalised_ts'], undefined)
  hs.sender.start()
  hs.clock.later(MINUTE)
  const { error, event_id: eventId } = await finalised(bob, id)
  assert.equal((error as Reply)['errcode'], 'M_FORBIDDEN')
  assert.equal(eventId, undefined)
  assert.equal((await manage(bob, id, 'cancel')).status, 200)
  await (await hs.user('carol')).refused('M_FORBIDDEN', 'PUT', `${UNSTABLE}/rooms/${room}/delayed_event/m.x/1`, {
    delay_ms: 1,
    content: {},
  })
})

test('what came due while the server was down is sent when it starts, in the order of its times', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const last = await schedule(alice, room, 'second', 2 * MINUTE)
  await schedule(alice, room, 'first', MINUTE)
  hs.clock.later(60 * MINUTE)
  hs.sender.start()
  await finalised(alice, last)
  assert.deepEqual(await bodies(hs, room), ['first', 'second'])
})

test('an event is sent once, also where the server crashed before it knew', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const { roomId } = await roomOf(hs, room)
  const userNid = (await hs.storage.names.find(alice.id)) ?? 0
  const requester = {
    userId: alice.id as UserId,
    userNid,
    deviceId: undefined,
    deviceNid: undefined,
    isGuest: false,
    isAdmin: false,
  }
  const send = (id: string, type: string, stateKey: string | undefined, content: JsonObject) =>
    hs.rooms.clientSends.sendDelayed(requester, roomId, type, stateKey, { content, text: '' }, id)
  const message = await schedule(alice, room, 'once')
  const topic = { delay_ms: MINUTE, state_key: '', content: { topic: 'once' } }
  const path = `${UNSTABLE}/rooms/${room}/delayed_event/m.room.topic/topic`
  const state = String((await alice.ok('PUT', path, topic))['delay_id'])
  const sent = await send(message, 'm.room.message', undefined, { msgtype: 'm.text', body: 'once' })
  const set = await send(state, 'm.room.topic', '', { topic: 'once' })
  await alice.setState(room, 'm.room.topic', { topic: 'since' })
  hs.clock.later(MINUTE)
  hs.sender.start()
  assert.equal((await finalised(alice, message))['event_id'], sent)
  assert.equal((await finalised(alice, state))['event_id'], set)
  assert.deepEqual(await bodies(hs, room), ['once'])
  assert.deepEqual(await stateOf(hs, room, 'm.room.topic'), { topic: 'since' })
})

test('delays and numbers of scheduled events have limits', async () => {
  await using hs = await server({ CAUSEWAY_DELAYED_EVENTS__MAX_DELAY_MS: '5000', CAUSEWAY_DELAYED_EVENTS__MAX_SCHEDULED: '2' })
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const path = `${UNSTABLE}/rooms/${room}/delayed_event/m.room.message/long`
  assert.equal((await alice.refused('M_FORBIDDEN', 'PUT', path, { delay_ms: 5_001, content: {} })).status, 403)
  const old = await alice.refused('M_UNKNOWN', 'PUT', `rooms/${room}/send/m.x/1?org.matrix.msc4140.delay=5001`, {})
  assert.deepEqual(
    [old.json['org.matrix.msc4140.errcode'], old.json['org.matrix.msc4140.max_delay']],
    ['M_MAX_DELAY_EXCEEDED', 5_000],
  )
  await alice.refused('M_TOO_LARGE', 'PUT', path, { delay_ms: 1, content: { body: 'x'.repeat(70_000) } })
  await schedule(alice, room, 'one', 5_000)
  await schedule(alice, room, 'two', 4_000)
  const full = await alice.refused('M_LIMIT_EXCEEDED', 'PUT', path, { delay_ms: 1_000, content: {} })
  assert.deepEqual([full.status, full.json['retry_after_ms']], [429, 4_000])
})

test('a server may delay nothing', async () => {
  await using hs = await server({ CAUSEWAY_DELAYED_EVENTS__MAX_SCHEDULED: '0' })
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const path = `${UNSTABLE}/rooms/${room}/delayed_event/m.room.message/1`
  await alice.refused('M_FORBIDDEN', 'PUT', path, { delay_ms: 1, content: {} })
})

test('a whole server sends what was scheduled before its restart, once, and tells clients about it', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await bob.sync()
  const capabilities = (await alice.ok('GET', 'capabilities'))['capabilities'] as Reply
  assert.deepEqual(capabilities['org.matrix.msc4140.delayed_events'], { max_delay_ms: 86_400_000, max_scheduled: 100 })
  const leave = { delay_ms: 1_000, state_key: alice.id, content: {} }
  const type = 'org.matrix.msc3401.call.member'
  const path = `${UNSTABLE}/rooms/${encodeURIComponent(room)}/delayed_event/${type}`
  const { delay_id: id } = await alice.ok('PUT', `${path}/1`, leave)
  const { delay_id: other } = await alice.ok('PUT', `${path}/2`, { ...leave, delay_ms: MINUTE })
  await hs.restart()
  await bob.syncUntil(({ rooms }) => rooms.join[room]?.timeline.events.find((event) => event.type === type))
  // Without a token, as the service that watches a call.
  assert.equal((await call(hs, 'POST', `${UNSTABLE}/delayed_events/${String(id)}/send`)).status, 200)
  assert.equal((await call(hs, 'POST', `${UNSTABLE}/delayed_events/${String(other)}/cancel`)).status, 200)
  assert.equal((await alice.ok('GET', `${UNSTABLE}/delayed_events/${String(id)}`))['error'], undefined)
})
