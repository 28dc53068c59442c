/** Rooms with a policy server, which the scripted server is: what it must sign, and what becomes of what it does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, objectAt } from '../../schemas/json.ts'
import type { Event, Pdu } from '../../src/protocol/event.ts'
import { eventIdOf } from '../../src/protocol/event-id.ts'
import { essentialText } from '../../src/protocol/hashes.ts'
import { type SigningKey, signEvent } from '../../src/protocol/signing.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import { newSigningKey, type Reply } from '../support/remote-server.ts'
import { logIn } from '../support/user.ts'
import { besideRemote } from './support.ts'

const BOB = '@bob:remote.test' as UserId
const KEY_ID = 'ed25519:policy_server'
const SIGN = '/_matrix/policy/v1/sign'
const OLD_SIGN = '/_matrix/policy/unstable/org.matrix.msc4284/sign'
const FORBIDDEN = { errcode: 'M_FORBIDDEN', error: 'This looks like spam' }

/** Alice is in a room of the scripted server, which becomes the policy server there when the test says so. */
async function setUp(version = '11') {
  const hs = await besideRemote()
  const room = new RemoteRoom(hs.remote, version)
  room.join(BOB)
  room.serveJoins()
  const alice = await logIn(hs.ours, 'alice')
  const id = encodeURIComponent(room.roomId)
  await alice.ok('POST', `join/${id}?server_name=remote.test`, {})
  let key = newSigningKey('policy_server')
  const signature = (pdu: Pdu, by: SigningKey = key) => ({
    [hs.remote.name]: { [KEY_ID]: by.sign(essentialText(pdu, room.rules)) },
  })
  const policyServer = {
    /** What it has been asked to sign. */
    asked: [] as JsonObject[],
    answer: (pdu: Pdu): Reply | Promise<Reply> => ({ body: signature(pdu) }),
    signature,
    signed: (event: Event, by?: SigningKey): Event => {
      const mine = {
        ...objectAt(objectAt(event.pdu, 'signatures') ?? {}, hs.remote.name),
        ...signature(event.pdu, by)[hs.remote.name],
      }
      return { ...event, pdu: { ...event.pdu, signatures: { [hs.remote.name]: mine } } }
    },
    refuse: () => {
      policyServer.answer = () => ({ status: 400, body: FORBIDDEN })
    },
  }
  const serveSign = (path: string) =>
    hs.remote.on('POST', path, ({ body }) => {
      const pdu = JSON.parse(body) as JsonObject
      policyServer.asked.push(pdu)
      return policyServer.answer(pdu)
    })
  serveSign(SIGN)
  const { promise: sent, resolve: noteSent } = Promise.withResolvers<JsonObject>()
  hs.remote.on('PUT', /^\/_matrix\/federation\/v1\/send\//, ({ body }) => {
    for (const pdu of (JSON.parse(body) as { pdus?: JsonObject[] }).pdus ?? []) noteSent(pdu)
    return { body: { pdus: {} } }
  })
  const take = async (event: Event) => assert.deepEqual((await hs.send([event]))[event.eventId], {})
  const setPolicy = async (content: JsonObject, type = 'm.room.policy') => take(room.add(type, content, { stateKey: '' }))
  const enable = () => setPolicy({ via: hs.remote.name, public_keys: { ed25519: key.publicKey } })
  const event = async (eventId: string) => (await hs.call('GET', `v1/event/${encodeURIComponent(eventId)}`)).body
  return {
    ...hs,
    room,
    alice,
    id,
    policyServer,
    serveSign,
    sent,
    take,
    setPolicy,
    enable,
    event,
    get key() {
      return key
    },
    newKey: () => {
      key = newSigningKey('policy_server')
    },
  }
}

/** The key IDs of the signatures of an event, by server. */
function signers(pdu: Json | undefined): Record<string, string[]> {
  assert.ok(isJsonObject(pdu))
  return Object.fromEntries(
    Object.entries(objectAt(pdu, 'signatures') ?? {}).map(([name, keys]) => [name, Object.keys(Object(keys))]),
  )
}

function pduIn(answer: Json): Json | undefined {
  assert.ok(isJsonObject(answer) && Array.isArray(answer['pdus']))
  return answer['pdus'][0]
}

for (const version of ['6', '11', '12']) {
  test(`what our users send is signed by the policy server before anybody gets it (version ${version})`, async () => {
    await using hs = await setUp(version)
    const { alice, room, policyServer, ours } = hs
    await hs.enable()
    const eventId = await alice.send(room.roomId, 'hello')
    const [asked] = policyServer.asked
    assert.ok(asked && policyServer.asked.length === 1)
    assert.deepEqual(Object.keys(signers(asked)), [ours.name], 'the policy server is asked about an event that is signed by us')
    const expected = { ...objectAt(asked, 'signatures'), ...policyServer.signature(asked) }
    const kept = pduIn(await hs.event(eventId))
    assert.ok(isJsonObject(kept))
    assert.deepEqual(kept['signatures'], expected)
    await ours.restart()
    const again = pduIn(await hs.event(eventId))
    assert.ok(isJsonObject(again))
    assert.deepEqual(again['signatures'], expected)
    assert.deepEqual((await hs.sent)['signatures'], expected)
  })
}

test('what the policy server refuses is not sent, and the client is told its words; the same request may pass later', async () => {
  await using hs = await setUp()
  const { alice, room, id, policyServer } = hs
  await hs.enable()
  const message = { msgtype: 'm.text', body: 'buy this' }
  const path = `rooms/${id}/send/m.room.message/once`
  const sign = policyServer.answer
  policyServer.refuse()
  const { error } = await alice.refused(400, 'M_FORBIDDEN', 'PUT', path, message)
  assert.equal(error, FORBIDDEN.error)
  policyServer.answer = () => ({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'Slow down', retry_after_ms: 1234 } })
  assert.equal((await alice.refused(429, 'M_LIMIT_EXCEEDED', 'PUT', path, message))['retry_after_ms'], 1234)
  policyServer.answer = () => ({ body: {} })
  await alice.refused(403, 'M_FORBIDDEN', 'PUT', path, message)
  policyServer.answer = () => ({ status: 503, body: {} })
  await alice.refused(502, 'M_UNKNOWN', 'PUT', path, message)
  assert.deepEqual(await alice.messages(room.roomId), [])
  policyServer.answer = sign
  const first = await alice.ok('PUT', path, message)
  assert.deepEqual(await alice.ok('PUT', path, message), first)
  assert.deepEqual(await alice.messages(room.roomId), ['buy this'])
  assert.equal(policyServer.asked.length, 5)
})

test('a signature by another key than the one in the room is none, until the room takes that key', async () => {
  await using hs = await setUp()
  const { alice, room, id } = hs
  await hs.enable()
  await alice.send(room.roomId, 'one')
  hs.newKey()
  await alice.refused(403, 'M_FORBIDDEN', 'PUT', `rooms/${id}/send/m.room.message/1`, { msgtype: 'm.text', body: 'two' })
  await hs.enable()
  await alice.send(room.roomId, 'three')
  // As the specification's own examples have it.
  const urlSafe = hs.key.publicKey.replaceAll('+', '-').replaceAll('/', '_')
  await hs.setPolicy({ via: 'remote.test', public_keys: { ed25519: urlSafe } })
  await alice.send(room.roomId, 'four')
  assert.deepEqual(await alice.messages(room.roomId), ['one', 'three', 'four'])
})

test('rooms without a valid policy server ask nobody', async () => {
  await using hs = await setUp()
  const { alice, room, policyServer } = hs
  policyServer.refuse()
  await alice.send(room.roomId, 'none')
  const keys = { public_keys: { ed25519: hs.key.publicKey } }
  const invalid = [
    {},
    keys,
    { via: 'remote.test' },
    { via: 'remote.test', public_keys: {} },
    { ...keys, via: 'away.test' },
    { ...keys, via: 5 },
  ]
  for (const [index, content] of invalid.entries()) {
    await hs.setPolicy(content)
    await alice.send(room.roomId, `invalid ${index}`)
    await hs.take(room.say(`unsigned ${index}`))
  }
  assert.equal((await alice.messages(room.roomId)).length, 1 + 2 * invalid.length)
  assert.equal(policyServer.asked.length, 0)
})

test('who the policy server is can be changed without it, and nothing else', async () => {
  await using hs = await setUp()
  const { alice, room, id, policyServer } = hs
  await hs.take(room.add('m.room.power_levels', { users: { [room.admin]: 100, [alice.id]: 100 } }, { stateKey: '' }))
  await hs.enable()
  policyServer.refuse()
  await alice.refused(400, 'M_FORBIDDEN', 'PUT', `rooms/${id}/state/m.room.policy/other`, {})
  await alice.refused(400, 'M_FORBIDDEN', 'PUT', `rooms/${id}/send/m.room.policy/1`, {})
  await alice.refused(400, 'M_FORBIDDEN', 'PUT', `rooms/${id}/state/m.room.topic`, { topic: 'no' })
  await alice.refused(400, 'M_FORBIDDEN', 'POST', `rooms/${id}/invite`, { user_id: '@carol:test.example' })
  await alice.refused(400, 'M_FORBIDDEN', 'POST', `rooms/${id}/invite`, { user_id: '@carol:remote.test' })
  await alice.refused(400, 'M_FORBIDDEN', 'POST', `rooms/${id}/leave`, {})
  const carol = await logIn(hs.ours, 'carol')
  await carol.refused(400, 'M_FORBIDDEN', 'POST', `join/${id}`, {})
  assert.equal(policyServer.asked.length, 7)
  await alice.setState(room.roomId, 'm.room.policy', {})
  await alice.send(room.roomId, 'free')
  await carol.join(room.roomId)
  assert.equal(policyServer.asked.length, 7)
})

test('joins, invites, new names and the end of a room are signed like everything else', async () => {
  await using hs = await setUp('10')
  const { alice, room, id, policyServer } = hs
  await hs.take(room.add('m.room.power_levels', { users: { [room.admin]: 100, [alice.id]: 100 } }, { stateKey: '' }))
  await hs.enable()
  hs.remote.on('PUT', /^\/_matrix\/federation\/v2\/invite\//, ({ body }) => {
    const { event } = JSON.parse(body) as { event: JsonObject }
    return { body: { event: signEvent(event, room.rules, hs.remote.name, hs.remote.signingKey) } }
  })
  const carol = await logIn(hs.ours, 'carol')
  await carol.join(room.roomId)
  await carol.ok('PUT', `profile/${carol.id}/displayname`, { displayname: 'Caroline' })
  await carol.syncUntil((seen) => seen.rooms.join[room.roomId])
  await alice.ok('POST', `rooms/${id}/invite`, { user_id: '@dora:remote.test' })
  await alice.ok('POST', `rooms/${id}/upgrade`, { new_version: '11' })
  const types = policyServer.asked.map(({ type, content, state_key: stateKey }) => [
    type,
    Object(content).displayname ?? stateKey,
  ])
  assert.deepEqual(types.slice(0, 4), [
    ['m.room.member', 'carol'],
    ['m.room.member', 'Caroline'],
    ['m.room.member', '@dora:remote.test'],
    ['m.room.tombstone', ''],
  ])
  for (const key of ['m.room.tombstone/', 'm.room.member/@dora:remote.test']) {
    const { event_id: eventId } = await alice.ok('GET', `rooms/${id}/state/${key}?format=event`)
    assert.ok(signers(pduIn(await hs.event(String(eventId))))['remote.test']?.includes(KEY_ID))
  }
})

test('nobody waits for what a policy server thinks about', async () => {
  await using hs = await setUp()
  const { alice, room, policyServer } = hs
  await hs.enable()
  const { promise: thinking, resolve: decide } = Promise.withResolvers<void>()
  const { promise: wasAsked, resolve: noteAsked } = Promise.withResolvers<void>()
  const sign = policyServer.answer
  policyServer.answer = async (pdu) => {
    noteAsked()
    await thinking
    return sign(pdu)
  }
  const slow = alice.send(room.roomId, 'slow')
  await wasAsked
  await hs.take(policyServer.signed(room.say('from elsewhere', { sender: BOB })))
  const own = await alice.createRoom()
  await alice.send(own, 'in another room')
  assert.deepEqual(await alice.messages(room.roomId), ['from elsewhere'])
  decide()
  await slow
  assert.deepEqual(await alice.messages(room.roomId), ['from elsewhere', 'slow'])
})

test('what the room does not allow any more when it is signed is not sent', async () => {
  await using hs = await setUp()
  const { alice, room, id, policyServer } = hs
  await hs.enable()
  const sign = policyServer.answer
  policyServer.answer = async (pdu) => {
    await hs.take(policyServer.signed(room.add('m.room.member', { membership: 'ban' }, { stateKey: alice.id })))
    return sign(pdu)
  }
  await alice.refused(403, 'M_FORBIDDEN', 'PUT', `rooms/${id}/send/m.room.message/1`, { msgtype: 'm.text', body: 'too late' })
})

test('what comes from other servers is shown if it is signed, or if it gets signed when we ask', async () => {
  await using hs = await setUp()
  const { alice, room, policyServer } = hs
  await hs.enable()
  await hs.take(policyServer.signed(room.say('signed')))
  assert.equal(policyServer.asked.length, 0)
  const unsigned = room.say('unsigned')
  await hs.take(unsigned)
  assert.equal(policyServer.asked.length, 1)
  assert.ok(signers(pduIn(await hs.event(unsigned.eventId)))['remote.test']?.includes(KEY_ID), 'the signature is kept')
  await hs.take(policyServer.signed(room.say('signed by an old key'), newSigningKey('policy_server')))
  assert.equal(policyServer.asked.length, 2)
  const shown = ['signed', 'unsigned', 'signed by an old key']
  assert.deepEqual(await alice.messages(room.roomId), shown)
  const sign = policyServer.answer
  policyServer.refuse()
  const [last] = room.events.slice(-1)
  assert.ok(last)
  await hs.take(room.say('refused', { aside: true }))
  policyServer.answer = () => ({ status: 500, body: {} })
  await hs.take(room.say('nobody says anything', { aside: true }))
  policyServer.answer = (pdu) => ({ body: policyServer.signature(pdu, newSigningKey('policy_server')) })
  await hs.take(room.say('wrongly signed', { aside: true }))
  policyServer.answer = sign
  assert.deepEqual(await alice.messages(room.roomId), shown)
  const asked = policyServer.asked.length
  await hs.take(room.say('by a stranger', { sender: '@stranger:remote.test' as UserId, aside: true }))
  assert.equal(policyServer.asked.length, asked, 'it is not asked about what is rejected anyway')
  await hs.take(room.say('after them'))
  assert.deepEqual(await alice.messages(room.roomId), [...shown, 'after them'])
})

test('a policy server that keeps failing is left alone by what is received, but not by our users', async () => {
  await using hs = await setUp()
  const { alice, room, id, policyServer } = hs
  await hs.enable()
  policyServer.answer = () => ({ status: 500, body: {} })
  for (let count = 0; count < 6; count++) await hs.take(room.say(`unheard ${count}`, { aside: true }))
  assert.equal(policyServer.asked.length, 3)
  await alice.refused(502, 'M_UNKNOWN', 'PUT', `rooms/${id}/send/m.room.message/1`, { msgtype: 'm.text', body: 'hello' })
  assert.equal(policyServer.asked.length, 4)
})

test('sticky events that the policy server refuses stay unheard when their sender comes back', async () => {
  await using hs = await setUp()
  const { alice, room, id, policyServer } = hs
  await hs.enable()
  const sign = policyServer.answer
  policyServer.refuse()
  const sticky = room.add('m.rtc.member', {}, { sender: BOB, aside: true, stickyMs: 600_000 })
  await hs.take(sticky)
  policyServer.answer = sign
  for (const [membership, sender] of [
    ['leave', BOB],
    ['join', BOB],
  ] as const)
    await hs.take(room.add('m.room.member', { membership }, { sender, stateKey: BOB }))
  await hs.take(room.say('after it', { sender: BOB }))
  const seen = await alice.sync()
  assert.ok(!JSON.stringify(seen).includes(sticky.eventId))
  assert.deepEqual(await alice.messages(room.roomId), ['after it'])
  await alice.refused(404, 'M_NOT_FOUND', 'GET', `rooms/${id}/event/${encodeURIComponent(sticky.eventId)}`)
})

test('rooms and policy servers from before the specification are understood', async () => {
  await using hs = await setUp()
  const { alice, room, policyServer } = hs
  hs.remote.on('POST', SIGN, () => ({ status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'No such endpoint' } }))
  hs.serveSign(OLD_SIGN)
  await hs.setPolicy({ via: 'remote.test', public_key: hs.key.publicKey }, 'org.matrix.msc4284.policy')
  await alice.send(room.roomId, 'hello')
  await hs.take(room.say('unsigned'))
  assert.equal(policyServer.asked.length, 2)
  // The event of the specification goes first, also where it says that there is none.
  await hs.setPolicy({})
  await alice.send(room.roomId, 'freely')
  assert.equal(policyServer.asked.length, 2)
  assert.deepEqual(await alice.messages(room.roomId), ['hello', 'unsigned', 'freely'])
})

test('who joins through us is let in if the policy server signs the join', async () => {
  await using hs = await setUp()
  const { alice, policyServer } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
  const join = async (userId: string) => {
    const made = (await hs.call('GET', `v1/make_join/${encodeURIComponent(roomId)}/${userId}?ver=11`)).body
    assert.ok(isJsonObject(made))
    const template = { ...objectAt(made, 'event'), origin_server_ts: 5 }
    const pdu = signEvent(template, hs.room.rules, hs.remote.name, hs.remote.signingKey)
    const eventId = eventIdOf(pdu, hs.room.rules)
    const answer = await hs.call('PUT', `v2/send_join/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`, pdu)
    return { eventId, answer }
  }
  await join(BOB)
  await alice.setState(roomId, 'm.room.policy', { via: hs.remote.name, public_keys: { ed25519: hs.key.publicKey } })
  assert.equal(policyServer.asked.length, 0)
  const { eventId } = await join('@carol:remote.test')
  assert.ok(signers(pduIn(await hs.event(eventId)))['remote.test']?.includes(KEY_ID), 'others get it with the signature')
  policyServer.refuse()
  const { answer } = await join('@dora:remote.test')
  assert.deepEqual(answer, { status: 403, body: FORBIDDEN })
  const { joined } = await alice.ok('GET', `rooms/${encodeURIComponent(roomId)}/joined_members`)
  assert.deepEqual(Object.keys(joined ?? {}).sort(), [alice.id, BOB, '@carol:remote.test'])
})
