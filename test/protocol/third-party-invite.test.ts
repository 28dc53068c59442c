import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { signingKeyFromSeed, signJson } from '../../src/protocol/signing.ts'
import { Room } from '../support/dag.ts'

const key = (seed: number) => signingKeyFromSeed('0', Buffer.alloc(32, seed))
const signed = (seed: number, content: JsonObject = { mxid: '@carol:a', token: 'secret', sender: '@alice:a' }) =>
  signJson(content, 'identity.example', key(seed))

/** Alice has sent a third-party invite with these keys; Bob is in the room and Dora banned. */
function room(version: string, keys: JsonObject): Room {
  return new Room(
    version,
    `C: alice creates
     A: alice joins
     J: alice rule public
     B: bob joins
     D: alice bans dora
     T: alice sets m.room.third_party_invite secret ${JSON.stringify(keys)}`,
  )
}

function accept(basis: Room, sender: string, target: string, invite: JsonObject): string {
  const verdict = basis.try(`${sender} invites ${target} ${JSON.stringify({ third_party_invite: invite })}`)
  return verdict.allowed ? 'allowed' : verdict.rule
}

const oneKey = { public_key: key(1).publicKey }

test('an invite that one of the keys has signed is allowed', () => {
  for (const version of ['1', '8', '12']) {
    assert.equal(accept(room(version, oneKey), 'alice', 'carol', { signed: signed(1) }), 'allowed')
    const listed = { public_keys: [{ public_key: key(2).publicKey }, oneKey] }
    assert.equal(accept(room(version, listed), 'alice', 'carol', { signed: signed(1) }), 'allowed')
    assert.equal(accept(room(version, { ...oneKey, public_keys: 'none' }), 'alice', 'carol', { signed: signed(1) }), 'allowed')
  }
})

test('keys may be written in either alphabet of base64, with padding or without', () => {
  const urlSafe = key(1).publicKey.replaceAll('+', '-').replaceAll('/', '_')
  for (const public_key of [urlSafe, `${key(1).publicKey}=`]) {
    assert.equal(accept(room('12', { public_key }), 'alice', 'carol', { signed: signed(1) }), 'allowed')
  }
})

test('a signature of another key, of other content, or none, is refused', () => {
  const basis = room('12', oneKey)
  assert.equal(accept(basis, 'alice', 'carol', { signed: signed(2) }), 'third-party-signature')
  assert.equal(accept(basis, 'alice', 'carol', { signed: { ...signed(1), extra: true } }), 'third-party-signature')
  assert.equal(accept(basis, 'alice', 'carol', { signed: { mxid: '@carol:a', token: 'secret' } }), 'third-party-signature')
  assert.equal(accept(room('12', {}), 'alice', 'carol', { signed: signed(1) }), 'third-party-signature')
})

test('what is signed must be there, whole, and for the target', () => {
  const basis = room('12', oneKey)
  for (const invite of [{}, { signed: true }, { signed: null }])
    assert.equal(accept(basis, 'alice', 'carol', invite), 'third-party-unsigned')
  for (const content of [{ mxid: '@carol:a' }, { token: 'secret' }, { mxid: 5, token: 'secret' }]) {
    assert.equal(accept(basis, 'alice', 'carol', { signed: signed(1, content) }), 'third-party-malformed')
  }
  assert.equal(accept(basis, 'alice', 'eve', { signed: signed(1) }), 'third-party-for-another')
})

test('the room must have the third-party invite, and its sender must send this one too', () => {
  const basis = room('12', oneKey)
  const unknown = signed(1, { mxid: '@carol:a', token: 'other' })
  assert.equal(accept(basis, 'alice', 'carol', { signed: unknown }), 'third-party-unknown')
  assert.equal(accept(basis, 'bob', 'carol', { signed: signed(1) }), 'third-party-of-another')
})

test('who is banned is not invited, and what is no third-party invite at all is refused too', () => {
  const banned = signed(1, { mxid: '@dora:a', token: 'secret' })
  assert.equal(accept(room('12', oneKey), 'alice', 'dora', { signed: banned }), 'invite-banned')
  const verdict = room('12', oneKey).try('alice invites carol {"third_party_invite":null}')
  assert.equal(!verdict.allowed && verdict.rule, 'third-party-unsigned')
})

test('the sender need not be in the room, nor have the invite level', () => {
  const basis = room('12', oneKey)
  basis.add('L: alice leaves')
  assert.equal(accept(basis, 'alice', 'carol', { signed: signed(1) }), 'allowed')
})

test('keys and signatures without number take no time without end', () => {
  const public_keys = Array.from({ length: 400 }, (_, index) => ({
    public_key: signingKeyFromSeed('0', Buffer.alloc(32, index % 250)).publicKey,
  }))
  const signatures = Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [`ed25519:${index}`, Buffer.alloc(64, index).toString('base64')]),
  )
  const flood = { mxid: '@carol:a', token: 'secret', signatures: { 'identity.example': signatures } }
  assert.equal(accept(room('12', { public_keys }), 'alice', 'carol', { signed: flood }), 'third-party-signature')
})
