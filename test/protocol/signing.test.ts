import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import nacl from 'tweetnacl'
import type { JsonObject } from '../../schemas/json.ts'
import { decodeBase64, encodeBase64 } from '../../src/protocol/base64.ts'
import type { Pdu } from '../../src/protocol/event.ts'
import { redact } from '../../src/protocol/redaction.ts'
import {
  keyIdsOf,
  signatureOf,
  signEvent,
  signingKeyFromSeed,
  signJson,
  verifyEventSignature,
  verifyJson,
  verifyKeyFrom,
} from '../../src/protocol/signing.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { rulesOf } from '../support/dag.ts'

const seed = Buffer.from('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1', 'base64')
const key = signingKeyFromSeed('1', seed)
const verifyKey = keyFrom(key.publicKey)
const v1 = rulesOf('1')

function keyFrom(publicKey: string) {
  const found = verifyKeyFrom(publicKey)
  assert.ok(found)
  return found
}

suite('worked examples of the specification (appendices, Cryptographic Test Vectors)', () => {
  test('an empty JSON object', () => {
    assert.deepEqual(signJson({}, 'domain', key), {
      signatures: {
        domain: { 'ed25519:1': 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ' },
      },
    })
  })
  test('a JSON object with data values', () => {
    const object = { one: 1, two: 'Two' }
    const signed = signJson(object, 'domain', key)
    assert.deepEqual(signed, {
      ...object,
      signatures: {
        domain: { 'ed25519:1': 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw' },
      },
    })
    assert.ok(verifyJson(signed, 'domain', 'ed25519:1', verifyKey))
  })

  const minimal: Pdu = {
    room_id: '!x:domain',
    sender: '@a:domain',
    origin: 'domain',
    origin_server_ts: 1000000,
    signatures: {},
    hashes: {},
    type: 'X',
    content: {},
    prev_events: [],
    auth_events: [],
    depth: 3,
    unsigned: { age_ts: 1000000 },
  }
  const message: Pdu = {
    content: { body: 'Here is the message content' },
    event_id: '$0:domain',
    origin: 'domain',
    origin_server_ts: 1000000,
    type: 'm.room.message',
    room_id: '!r:domain',
    sender: '@u:domain',
    signatures: {},
    unsigned: { age_ts: 1000000 },
  }
  const events: [name: string, event: Pdu, sha256: string, signature: string][] = [
    [
      'a minimally-sized event',
      minimal,
      '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos',
      'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
    ],
    [
      'an event containing redactable content',
      message,
      'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g',
      'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
    ],
  ]
  for (const [name, event, sha256, signature] of events) {
    test(name, () => {
      const before = JSON.stringify(event)
      const signed = signEvent(event, v1, 'domain', key)
      assert.deepEqual(signed, { ...event, hashes: { sha256 }, signatures: { domain: { 'ed25519:1': signature } } })
      assert.equal(JSON.stringify(event), before)
      assert.ok(verifyEventSignature(signed, v1, 'domain', 'ed25519:1', verifyKey))
      // The signature also fits a redacted copy.
      assert.ok(verifyEventSignature(redact(signed, v1.redaction), v1, 'domain', 'ed25519:1', verifyKey))
    })
  }
})

suite('signing JSON', () => {
  const signed = signJson({ a: 1 }, 'domain', key)
  test('leaves unsigned and the signatures of others in place, and covers neither', () => {
    const other = { other: { 'ed25519:x': 'sig' }, domain: { 'ed25519:0': 'old' } }
    const object = { a: 1, unsigned: { age: 5 }, signatures: other }
    const result = signJson(object, 'domain', key)
    assert.deepEqual(result, {
      a: 1,
      unsigned: { age: 5 },
      signatures: { other: { 'ed25519:x': 'sig' }, domain: { 'ed25519:0': 'old', 'ed25519:1': signatureIn(signed) } },
    })
    assert.deepEqual(keyIdsOf(result, 'domain'), ['ed25519:0', 'ed25519:1'])
  })
  test('only keys of a known algorithm are listed', () => {
    assert.deepEqual(keyIdsOf({ signatures: { domain: { 'rsa:1': 'x', 'ed25519:1': 'y' } } }, 'domain'), ['ed25519:1'])
    assert.deepEqual(keyIdsOf({ signatures: [] }, 'domain'), [])
  })
  test('any change makes the signature void', () => {
    assert.ok(verifyJson({ ...signed, unsigned: { x: 1 } }, 'domain', 'ed25519:1', verifyKey))
    assert.ok(!verifyJson({ ...signed, a: 2 }, 'domain', 'ed25519:1', verifyKey))
    assert.ok(!verifyJson({ ...signed, b: null }, 'domain', 'ed25519:1', verifyKey))
    assert.ok(!verifyJson({ ...signed, ...JSON.parse('{"__proto__":1}') }, 'domain', 'ed25519:1', verifyKey))
    const hidden: JsonObject = JSON.parse(`{"__proto__":1,${JSON.stringify(signed).slice(1)}`)
    assert.ok(!verifyJson(hidden, 'domain', 'ed25519:1', verifyKey))
  })
  test('another name, key id or key does not do', () => {
    assert.ok(!verifyJson(signed, 'other', 'ed25519:1', verifyKey))
    assert.ok(!verifyJson(signed, 'domain', 'ed25519:2', verifyKey))
    assert.ok(!verifyJson(signed, 'domain', 'ed25519:1', keyFrom(signingKeyFromSeed('2', Buffer.alloc(32, 1)).publicKey)))
  })
  test('fractions in events of old room versions are signed as they came', () => {
    const body = parseLossless('{"pdus":[{"content":{"ban":50.0}}]}')
    const request = signJson({ content: body }, 'domain', key)
    assert.ok(verifyJson(request, 'domain', 'ed25519:1', verifyKey))
    assert.ok(
      !verifyJson({ ...request, content: JSON.parse('{"pdus":[{"content":{"ban":50}}]}') }, 'domain', 'ed25519:1', verifyKey),
    )
  })
})

const check = (signatures: JsonObject[string]) => verifyJson({ signatures }, 'domain', 'ed25519:1', verifyKey)

suite('malformed signatures are false, never an error', () => {
  const good = signatureIn(signJson({}, 'domain', key))
  test('missing or of another type', () => {
    for (const signatures of [
      null,
      1,
      'x',
      [],
      {},
      { domain: null },
      { domain: [] },
      { domain: {} },
      { domain: { 'ed25519:1': 1 } },
    ]) {
      assert.ok(!check(signatures))
    }
  })
  test('no base64, or of another length', () => {
    for (const text of [
      '',
      '!',
      good.slice(0, -2),
      `${good}AAAA`,
      `${good}!`,
      `${good.slice(0, 40)}\n${good.slice(40)}`,
      good.replace('/', '_'),
      `${good}===`,
    ]) {
      assert.ok(!check({ domain: { 'ed25519:1': text } }), text)
    }
  })
  test('padding is allowed', () => assert.ok(check({ domain: { 'ed25519:1': `${good}==` } })))
  test('__proto__ is no name that everybody has', () =>
    assert.equal(signatureOf({ signatures: {} }, '__proto__', 'constructor'), undefined))
})

suite('signing events', () => {
  const pdu: Pdu = {
    type: 'm.room.member',
    state_key: '@b:b',
    sender: '@a:a',
    content: { membership: 'join', displayname: 'B' },
    depth: 1,
  }
  test('a second server adds its signature and leaves the hash alone', () => {
    const rules = rulesOf('11')
    const second = signingKeyFromSeed('z', Buffer.alloc(32, 9))
    const once = signEvent(pdu, rules, 'a', key)
    const twice = signEvent(once, rules, 'b', second)
    assert.deepEqual(twice['hashes'], once['hashes'])
    assert.ok(verifyEventSignature(twice, rules, 'a', 'ed25519:1', verifyKey))
    assert.ok(verifyEventSignature(twice, rules, 'b', 'ed25519:z', keyFrom(second.publicKey)))
  })
  test('what redaction removes is covered by the hash, not by the signature', () => {
    const rules = rulesOf('11')
    const signed = signEvent(pdu, rules, 'a', key)
    assert.ok(verifyEventSignature({ ...signed, content: { membership: 'join' } }, rules, 'a', 'ed25519:1', verifyKey))
    assert.ok(!verifyEventSignature({ ...signed, content: { membership: 'leave' } }, rules, 'a', 'ed25519:1', verifyKey))
    assert.ok(!verifyEventSignature({ ...signed, hashes: { sha256: 'x' } }, rules, 'a', 'ed25519:1', verifyKey))
  })
})

suite('keys', () => {
  test('of other lengths, or no base64, are refused', () => {
    for (const text of ['', 'x', key.publicKey.slice(1), `${key.publicKey}AAAA`, `!${key.publicKey.slice(1)}`])
      assert.equal(verifyKeyFrom(text), undefined)
    assert.ok(verifyKeyFrom(`${key.publicKey}=`))
    assert.throws(() => signingKeyFromSeed('x', Buffer.alloc(31)), RangeError)
  })
})

suite('against tweetnacl', () => {
  test('keys and signatures are the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.string({ unit: 'grapheme' }), (bytes, message) => {
        const pair = nacl.sign.keyPair.fromSeed(bytes)
        const ours = signingKeyFromSeed('x', bytes)
        assert.equal(ours.publicKey, encodeBase64(pair.publicKey))
        assert.equal(ours.sign(message), encodeBase64(nacl.sign.detached(Buffer.from(message), pair.secretKey)))
      }),
      { numRuns: 10 },
    )
  })
  test('tweetnacl takes the neutral point as a key, with which one signature fits everything', () => {
    const neutral = Buffer.from(`01${'00'.repeat(31)}`, 'hex')
    assert.ok(nacl.sign.detached.verify(Buffer.from('anything'), Buffer.concat([neutral, Buffer.alloc(32)]), neutral))
    assert.equal(verifyKeyFrom(encodeBase64(neutral)), undefined)
  })
  test('tweetnacl accepts a signature whose second half was raised by the order of the group', () => {
    const signed = signJson({}, 'domain', key)
    const signature = signatureOf(signed, 'domain', 'ed25519:1')
    const publicKey = decodeBase64(key.publicKey, 32)
    assert.ok(signature && publicKey)
    const raised = Buffer.concat([signature.subarray(0, 32), raisedByOrder(signature.subarray(32))])
    assert.ok(nacl.sign.detached.verify(Buffer.from('{}'), raised, publicKey))
    assert.ok(!verifyJson({ signatures: { domain: { 'ed25519:1': encodeBase64(raised) } } }, 'domain', 'ed25519:1', verifyKey))
  })
})

function signatureIn(signed: JsonObject): string {
  const signature = signatureOf(signed, 'domain', 'ed25519:1')
  assert.ok(signature)
  return encodeBase64(signature)
}

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

/** A little-endian number with the order of the group added. */
function raisedByOrder(bytes: Uint8Array): Buffer {
  const number = BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`) + GROUP_ORDER
  return Buffer.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toReversed())
}
