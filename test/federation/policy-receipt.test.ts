/** What other servers send into rooms with a policy server, which the scripted server is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import { isJsonObject, objectAt } from '../../schemas/json.ts'
import { eventIdOf } from '../../src/protocol/event-id.ts'
import { signEvent } from '../../src/protocol/signing.ts'
import { besidePolicyServer, BOB, FORBIDDEN, newPolicyKey } from './policy-server.ts'

const BOB_TOO = '@bob-too:remote.test' as UserId

test('what comes from other servers is shown if it is signed, or if it gets signed when we ask', async () => {
  await using hs = await besidePolicyServer()
  const { alice, room, policyServer } = hs
  await hs.enable()
  await hs.take(policyServer.signed(room.say('signed')))
  assert.equal(policyServer.asked.length, 0)
  const unsigned = room.say('unsigned')
  await hs.take(unsigned)
  assert.equal(policyServer.asked.length, 1)
  assert.ok(await hs.isSigned(unsigned.eventId), 'the signature is kept')
  await hs.take(policyServer.signed(room.say('signed by an old key'), newPolicyKey()))
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
  policyServer.answer = (pdu) => ({ body: policyServer.signature(pdu, newPolicyKey()) })
  await hs.take(room.say('wrongly signed', { aside: true }))
  policyServer.answer = sign
  assert.deepEqual(await alice.messages(room.roomId), shown)
  const asked = policyServer.asked.length
  await hs.take(room.say('by a stranger', { sender: '@stranger:remote.test' as UserId, aside: true }))
  assert.equal(policyServer.asked.length, asked, 'it is not asked about what is rejected anyway')
  await hs.take(room.say('after them'))
  assert.deepEqual(await alice.messages(room.roomId), [...shown, 'after them'])
})

test("the signature is kept too of an event that was known as somebody else's auth event before", async () => {
  await using hs = await besidePolicyServer()
  const { room, policyServer } = hs
  await hs.enable()
  const before = room.events.slice(-1)
  const join = room.join(BOB_TOO)
  room.serveState()
  await hs.send([policyServer.signed(room.say('too early', { sender: BOB_TOO, prev: before, aside: true }))])
  assert.equal(await hs.isSigned(join.eventId), false)
  await hs.take(policyServer.signed(join))
  assert.equal(policyServer.asked.length, 0)
  await hs.ours.restart()
  assert.ok(await hs.isSigned(join.eventId))
})

test('a policy server that keeps failing is left alone by what is received, but not by our users', async () => {
  await using hs = await besidePolicyServer()
  const { alice, room, id, policyServer } = hs
  await hs.enable()
  policyServer.answer = () => ({ status: 500, body: {} })
  const unheard = Array.from({ length: 20 }, (_, index) => room.say(`unheard ${index}`, { aside: true }))
  await hs.send(unheard)
  const asked = policyServer.asked.length
  assert.ok(asked >= 3 && asked < unheard.length, `${asked} times`)
  await alice.refused(502, 'M_UNKNOWN', 'PUT', `rooms/${id}/send/m.room.message/1`, { msgtype: 'm.text', body: 'hello' })
  assert.equal(policyServer.asked.length, asked + 1)
})

test('sticky events that the policy server refuses stay unheard when their sender comes back', async () => {
  await using hs = await besidePolicyServer()
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

test('who joins through us is let in if the policy server signs the join', async () => {
  await using hs = await besidePolicyServer()
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
  await alice.setState(roomId, 'm.room.policy', { via: hs.remote.name, public_keys: { ed25519: hs.policyServer.key.publicKey } })
  assert.equal(policyServer.asked.length, 0)
  const { eventId } = await join('@carol:remote.test')
  assert.ok(await hs.isSigned(eventId), 'others get it with the signature')
  policyServer.refuse()
  const { answer } = await join('@dora:remote.test')
  assert.deepEqual(answer, { status: 403, body: FORBIDDEN })
  const { joined } = await alice.ok('GET', `rooms/${encodeURIComponent(roomId)}/joined_members`)
  assert.deepEqual(Object.keys(joined ?? {}).sort(), [alice.id, BOB, '@carol:remote.test'])
})
