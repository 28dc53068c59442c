/** What our users send into rooms with a policy server, which the scripted server is: it must sign that first. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonObject, objectAt } from '../../schemas/json.ts'
import { signEvent } from '../../src/protocol/signing.ts'
import { federatedUsers, heard } from '../support/federated-users.ts'
import { newSigningKey } from '../support/remote-server.ts'
import { logIn } from '../support/user.ts'
import { besidePolicyServer, BOB, FORBIDDEN, newPolicyKey, SIGN } from './policy-server.ts'

const OLD_SIGN = '/_matrix/policy/unstable/org.matrix.msc4284/sign'

for (const version of ['6', '11', '12']) {
  test(`what our users send is signed by the policy server before anybody gets it (version ${version})`, async () => {
    await using hs = await besidePolicyServer(version)
    const { alice, room, policyServer, ours } = hs
    await hs.enable()
    const { promise: sent, resolve: noteSent } = Promise.withResolvers<JsonObject>()
    hs.remote.on('PUT', /^\/_matrix\/federation\/v1\/send\//, ({ body }) => {
      for (const pdu of (JSON.parse(body) as { pdus?: JsonObject[] }).pdus ?? []) noteSent(pdu)
      return { body: { pdus: {} } }
    })
    const eventId = await alice.send(room.roomId, 'hello')
    const [asked] = policyServer.asked
    assert.ok(asked && policyServer.asked.length === 1)
    assert.deepEqual(
      Object.keys(objectAt(asked, 'signatures') ?? {}),
      [ours.name],
      'the policy server is asked about an event that is signed by us',
    )
    const expected = { ...objectAt(asked, 'signatures'), ...policyServer.signature(asked) }
    assert.deepEqual(await hs.signatures(eventId), expected)
    await ours.restart()
    assert.deepEqual(await hs.signatures(eventId), expected)
    assert.deepEqual((await sent)['signatures'], expected)
  })
}

test('what the policy server refuses is not sent, and the client is told its words; the same request may pass later', async () => {
  await using hs = await besidePolicyServer()
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
  await hs.remote[Symbol.asyncDispose]()
  await alice.refused(502, 'M_UNKNOWN', 'PUT', `rooms/${id}/send/m.room.message/down`, message)
  assert.deepEqual(await alice.messages(room.roomId), ['buy this'])
})

test('a signature by another key than the one in the room is none, until the room takes that key', async () => {
  await using hs = await besidePolicyServer()
  const { alice, room, id } = hs
  await hs.enable()
  await alice.send(room.roomId, 'one')
  hs.policyServer.key = newPolicyKey()
  await alice.refused(403, 'M_FORBIDDEN', 'PUT', `rooms/${id}/send/m.room.message/1`, { msgtype: 'm.text', body: 'two' })
  await hs.enable()
  await alice.send(room.roomId, 'three')
  // As the specification's own examples have it.
  const urlSafe = hs.policyServer.key.publicKey.replaceAll('+', '-').replaceAll('/', '_')
  await hs.setPolicy({ via: 'remote.test', public_keys: { ed25519: urlSafe } })
  await alice.send(room.roomId, 'four')
  assert.deepEqual(await alice.messages(room.roomId), ['one', 'three', 'four'])
})

test('rooms without a valid policy server ask nobody', async () => {
  await using hs = await besidePolicyServer()
  const { alice, room, policyServer } = hs
  policyServer.refuse()
  await alice.send(room.roomId, 'none')
  const keys = { public_keys: { ed25519: hs.policyServer.key.publicKey } }
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
  await using hs = await besidePolicyServer()
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
  await using hs = await besidePolicyServer('10')
  const { alice, room, id, policyServer } = hs
  await hs.take(room.add('m.room.power_levels', { users: { [room.admin]: 100, [alice.id]: 100 } }, { stateKey: '' }))
  await hs.enable()
  hs.remote.on('PUT', /^\/_matrix\/federation\/v2\/invite\//, ({ body }) => {
    const { event } = JSON.parse(body) as { event: JsonObject }
    return { body: { event: signEvent({ ...event, signatures: {} }, room.rules, hs.remote.name, hs.remote.signingKey) } }
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
  await hs.ours.restart()
  for (const key of ['m.room.tombstone/', 'm.room.member/@dora:remote.test']) {
    const { event_id: eventId } = await alice.ok('GET', `rooms/${id}/state/${key}?format=event`)
    assert.ok(await hs.isSigned(String(eventId)))
  }
})

for (const version of ['11', '12']) {
  test(`a room that the policy server lets nobody end is not replaced (by one of version ${version})`, async () => {
    await using hs = await besidePolicyServer('10')
    const { alice, room, id, policyServer } = hs
    await hs.take(room.add('m.room.power_levels', { users: { [room.admin]: 100, [alice.id]: 100 } }, { stateKey: '' }))
    await hs.enable()
    const sign = policyServer.answer
    policyServer.refuse()
    await alice.refused(400, 'M_FORBIDDEN', 'POST', `rooms/${id}/upgrade`, { new_version: version })
    assert.deepEqual(
      policyServer.asked.map(({ type }) => type),
      ['m.room.tombstone'],
    )
    assert.deepEqual((await alice.ok('GET', 'joined_rooms'))['joined_rooms'], [room.roomId])

    policyServer.answer = sign
    const { replacement_room: replacement } = await alice.ok('POST', `rooms/${id}/upgrade`, { new_version: version })
    const tombstone = await alice.ok('GET', `rooms/${id}/state/m.room.tombstone`)
    assert.equal(tombstone['replacement_room'], replacement)
    const create = await alice.ok('GET', `rooms/${encodeURIComponent(String(replacement))}/state/m.room.create`)
    assert.equal(Object(create['predecessor']).room_id, room.roomId)
  })
}

test('nobody waits for what a policy server thinks about', async () => {
  await using hs = await besidePolicyServer()
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
  await using hs = await besidePolicyServer()
  const { alice, room, id, policyServer } = hs
  await hs.enable()
  const sign = policyServer.answer
  policyServer.answer = async (pdu) => {
    await hs.take(policyServer.signed(room.add('m.room.member', { membership: 'ban' }, { stateKey: alice.id })))
    return sign(pdu)
  }
  await alice.refused(403, 'M_FORBIDDEN', 'PUT', `rooms/${id}/send/m.room.message/1`, { msgtype: 'm.text', body: 'too late' })
})

test('rooms and policy servers from before the specification are understood', async () => {
  await using hs = await besidePolicyServer()
  const { alice, room, policyServer } = hs
  hs.remote.on('POST', SIGN, () => ({ status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'No such endpoint' } }))
  policyServer.serve(OLD_SIGN)
  await hs.setPolicy({ via: 'remote.test', public_key: hs.policyServer.key.publicKey }, 'org.matrix.msc4284.policy')
  await alice.send(room.roomId, 'hello')
  await hs.take(room.say('unsigned'))
  assert.equal(policyServer.asked.length, 2)
  // The event of the specification goes first, also where it says that there is none.
  await hs.setPolicy({})
  await alice.send(room.roomId, 'freely')
  assert.equal(policyServer.asked.length, 2)
  assert.deepEqual(await alice.messages(room.roomId), ['hello', 'unsigned', 'freely'])
})

test('a room whose policy server is none stands still until it is told so, on its own server as on others', async () => {
  await using hs = await federatedUsers()
  const { alice, bob, first } = hs
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room, first.name)
  await alice.setState(room, 'm.room.policy', { via: first.name, public_keys: { ed25519: newSigningKey().publicKey } })
  await bob.syncUntil((seen) => seen.rooms.join[room]?.timeline.events.find(({ type }) => type === 'm.room.policy'))
  for (const user of [alice, bob])
    await user.refused(404, 'M_UNRECOGNIZED', 'PUT', `rooms/${encodeURIComponent(room)}/send/m.room.message/1`, { body: 'no' })
  await alice.setState(room, 'm.room.policy', {})
  await alice.send(room, 'it is over')
  await heard(bob, room, 'it is over')
})
