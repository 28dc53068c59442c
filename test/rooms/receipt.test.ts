import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, UserId } from '../../schemas/ids.ts'
import { PduChecks } from '../../src/federation/pdus.ts'
import { SignatureChecks } from '../../src/federation/signature-checks.ts'
import { eventVerifier } from '../../src/federation/verify-events.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import type { Event } from '../../src/protocol/event.ts'
import { signEvent, signingKeyFromSeed, verifyKeyFrom } from '../../src/protocol/signing.ts'
import { Standing } from '../../src/storage/stored-event.ts'
import { Replica } from '../support/replica.ts'
import { rulesOf } from '../support/dag.ts'

const alice = '@alice:ours' as UserId
const bob = '@bob:other' as UserId
const theirs = signingKeyFromSeed('one', new Uint8Array(32).fill(1))
const ours = signingKeyFromSeed('one', new Uint8Array(32).fill(2))
const publicKeys = new Map([
  ['other', verifyKeyFrom(theirs.publicKey)],
  ['ours', verifyKeyFrom(ours.publicKey)],
])
const keysFor = async (wanted: readonly { server: string }[]) => wanted.map(({ server }) => publicKeys.get(server))
const checks = new PduChecks(eventVerifier({ keyRing: { knownKeys: keysFor, keysFor }, checks: new SignatureChecks() }))

async function room(version: string, joinRule: string) {
  const replica = new Replica('ours')
  const { roomId } = await replica.create(version, alice, [
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: joinRule, allow: [] } },
  ])
  return { replica, roomId, [Symbol.asyncDispose]: () => replica[Symbol.asyncDispose]() }
}

for (const version of ['6', '10', '11', '12']) {
  test(`an invite that redaction makes an ordinary one needs its sender's signature (version ${version})`, async () => {
    await using setting = await room(version, 'invite')
    const { replica, roomId } = setting
    const draft = { sender: alice, type: 'm.room.member', stateKey: bob, content: { membership: 'invite' } }
    const { pdu } = await replica.core.sender.build(await replica.room(roomId), draft)
    const content = { membership: 'invite', third_party_invite: { signed: { mxid: bob, token: 't', signatures: {} } } }
    const forged = signEvent({ ...pdu, content }, rulesOf(version), 'other', theirs)
    const [checked] = await checks.each([forged], rulesOf(version))
    assert.ok(checked)
    if ('event' in checked) {
      // From version 11 on a redacted invite keeps what was signed by the identity server, and fails by that.
      const [verdict] = await replica.receive(replica, roomId, [checked.event])
      assert.equal(verdict?.kind, 'rejected')
    } else assert.match(checked.refused, /signature of ours is wanting/)
  })
}

test('a restricted join without the signature of who authorises it is kept as rejected', async () => {
  await using setting = await room('10', 'restricted')
  const { replica, roomId } = setting
  const room10 = await replica.room(roomId)
  const content = { membership: 'join', join_authorised_via_users_server: alice }
  const event = await replica.core.sender.build(room10, { sender: bob, type: 'm.room.member', stateKey: bob, content })
  const [unsigned] = await checks.each([signEvent(event.pdu, event.rules, 'other', theirs)], event.rules)
  assert.ok(unsigned && 'event' in unsigned && unsigned.event.unauthorised !== undefined)
  const [verdict] = await replica.receiver.receive(replica.name, room10, [unsigned.event])
  assert.ok(verdict?.kind === 'rejected' && verdict.rule === 'member-authoriser-has-not-signed', JSON.stringify(verdict))
  assert.equal((await replica.storage.events.byId(event.eventId))?.standing, Standing.rejected)
  const signed = signEvent(signEvent(event.pdu, event.rules, 'other', theirs), event.rules, 'ours', ours)
  const [passed] = await checks.each([signed], event.rules)
  assert.ok(passed && 'event' in passed && passed.event.unauthorised === undefined)
})

/** A message of alice on top of these events alone. */
function messageOn(like: Event, prevEvents: readonly EventId[], body: string): Event {
  const { roomId, depth, originServerTs, authEvents } = like
  return buildEvent(
    { type: 'm.room.message', sender: like.sender, roomId, content: { body }, originServerTs, depth, authEvents, prevEvents },
    like.rules,
  )
}

test('ends behind an event that is not shown go when somebody builds on that event', async () => {
  await using setting = await room('11', 'public')
  const { replica, roomId } = setting
  const message = (body: string) => replica.core.sender.build(known, { sender: bob, type: 'm.room.message', content: { body } })
  const known = await replica.room(roomId)
  await replica.send(roomId, { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join' } })
  const first = await message('before the ban')
  const second = await replica.core.sender.build(known, { sender: alice, type: 'm.room.message', content: { body: 'hello' } })
  await replica.receive(replica, roomId, [first])
  const hidden = messageOn(first, [first.eventId], 'to be hidden')
  // The ban is not among what the hidden event builds on.
  const ban = { sender: alice, type: 'm.room.member', stateKey: bob, content: { membership: 'ban' } }
  const { pdu } = await replica.core.sender.build(known, ban)
  const other = buildEvent(
    {
      ...ban,
      roomId,
      originServerTs: 1,
      depth: first.depth,
      prevEvents: first.prevEvents,
      authEvents: pdu['auth_events'] as EventId[],
    },
    first.rules,
  )
  await replica.receive(replica, roomId, [other])
  const [verdict] = await replica.receive(replica, roomId, [hidden])
  assert.equal(verdict?.kind, 'soft-failed')
  const ends = async () => (await replica.core.heads.get(known)).extremities.map(({ eventId }) => eventId)
  assert.deepEqual(await ends(), [first.eventId, other.eventId])
  const follower = messageOn(second, [hidden.eventId, other.eventId], 'somebody saw it in time')
  assert.equal((await replica.receive(replica, roomId, [follower]))[0]?.kind, 'accepted')
  assert.deepEqual(await ends(), [follower.eventId])
})
