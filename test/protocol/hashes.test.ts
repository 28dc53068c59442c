import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Pdu } from '../../src/protocol/event.ts'
import { encodeBase64 } from '../../src/protocol/base64.ts'
import { contentHash, essentialText, referenceHash } from '../../src/protocol/hashes.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { rulesOf } from '../support/dag.ts'

const common: Pdu = {
  room_id: '!r:example.org',
  sender: '@a:example.org',
  origin: 'example.org',
  origin_server_ts: 1700000000000,
  prev_state: [],
  membership: 'join',
  depth: 7,
  prev_events: ['$p'],
  auth_events: ['$a'],
  signatures: { 'example.org': { 'ed25519:1': 'x' } },
  unsigned: { age: 1 },
  extra: true,
}

/**
 * Hashes that the example code of the specification (json.dumps and hashlib of Python) gives for these events, with the
 * redaction rules of room versions 1, 6, 8, 9 and 11 written down a second time in Python. A reference hash that is
 * missing is that of the version before.
 */
const golden: { name: string; pdu: Pdu; contentHash: string; referenceHashes: Record<string, string> }[] = [
  {
    name: 'm.room.member',
    pdu: {
      type: 'm.room.member',
      state_key: '@b:example.org',
      content: {
        membership: 'join',
        displayname: 'B',
        join_authorised_via_users_server: '@a:example.org',
        third_party_invite: { display_name: 'b', signed: { mxid: '@b:example.org', token: 't' } },
      },
    },
    contentHash: 'EZlRxd2kN4c6bHR7X/nH5zWqXhF5zXuqPPQiDVax5VI',
    referenceHashes: {
      1: 'XqZ6E2luzylXFJHJczsP9RAPSVJEoJ9Hxyvp1iuRelY',
      9: 'IdFqD4lvaL/cLmK1imTKUSSpaqJB6yq93/p7GBqFY8I',
      11: 'knwUU8AksW1bY50Goe23lNBgh13Lk937ee4Rk7AnjHs',
    },
  },
  {
    name: 'm.room.create',
    pdu: { type: 'm.room.create', state_key: '', content: { creator: '@a:example.org', room_version: 'x', 'm.federate': false } },
    contentHash: 'vWunVSLWZURq40cQvvvDwiIYUFSiBkd3laB6JEPiNKo',
    referenceHashes: { 1: 'yDHpeSAfrjr78v7TuYt0Vk3ewxi1VNQ0gME3D3CR76Q', 11: '/UOCWGWueALuwCUVMvrzejTP6t5dA2We8unfp+QN2pg' },
  },
  {
    name: 'm.room.join_rules',
    pdu: {
      type: 'm.room.join_rules',
      state_key: '',
      content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: '!o:example.org' }], more: 1 },
    },
    contentHash: 'TowrgG8l/4EyP+spCIxmuRIbSHBygPrEnsh7ceiB6ak',
    referenceHashes: {
      1: 'DCl1vQgimhXiC18PQrT1mWzodg6bKqeE+xVxGJYyz3g',
      8: 'sQ3NSmUXNe0YwzqUJHMm+Va0a/ZCWisPornsvZSKsdw',
      11: 'CwTSAkAlMLMKlL+GpOHj5TWHP0CIB5Rz20IwIjI3zrs',
    },
  },
  {
    name: 'm.room.power_levels',
    pdu: {
      type: 'm.room.power_levels',
      state_key: '',
      content: {
        ban: 1,
        events: { 'm.room.name': 2 },
        events_default: 3,
        invite: 4,
        kick: 5,
        redact: 6,
        state_default: 7,
        users: { '@a:example.org': 100 },
        users_default: 8,
        notifications: { room: 9 },
      },
    },
    contentHash: 'q7JOopf1/fhYcwDJXyo627PioIyJo6GIBqkI/VfCC6s',
    referenceHashes: { 1: '/lpsV6GljYk1wGI1gSf8yFU7uMhj1w4VBdd1pjPW7jY', 11: 'oIjcIyoG+h0xwcaFLYX4x6+Qh8MFahstVwkTx8niSac' },
  },
  {
    name: 'm.room.aliases',
    pdu: { type: 'm.room.aliases', state_key: 'example.org', content: { aliases: ['#x:example.org'] } },
    contentHash: 'liUR/smBIzAKqp+0YLwyv6LyBBSleR8YCCz3etXPSdU',
    referenceHashes: {
      1: 'i7E6SecBqElAAPRougig4+uO9mOjEWh0sQhdymjez7M',
      6: 'AU/EPylWUT7N3DffTssRJsqy8RBIymY7sdGKwI2dBiw',
      11: 'LOO39jXZiBSxYsoTE3zsd3pnkq1/J5hxKmtL/MRrgvo',
    },
  },
  {
    name: 'm.room.history_visibility',
    pdu: { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'shared', more: 1 } },
    contentHash: 'bijzV8Z64N2P780cXknOyIbKv6HwxYJIotu3g3Xpx4k',
    referenceHashes: { 1: 'tp+zKXuyCdfPBcHeG3LyZ9p/W3Ks4Ftz6ndcg8B6fTk', 11: 'ZJOCWj5vdRBn3i3o6qVkv9J6/+sAp0psHisJwyHliic' },
  },
  {
    name: 'm.room.redaction',
    pdu: { type: 'm.room.redaction', redacts: '$old', content: { redacts: '$old', reason: 'spam' } },
    contentHash: 'k+OylgN9kyI3g6NhsntZAHwE5qUuuuf3k7f3UgKvKEc',
    referenceHashes: { 1: 'l1p/nalO9oHDrr28CPIIXLyojluv42+WBdochIwB18s', 11: 'LEU+qMXbUPoWWfzfWplkIODu/N0n/Jjqq2+avjHSBeE' },
  },
  {
    name: 'a message with unusual keys',
    pdu: {
      type: 'm.room.message',
      content: { body: '日本 😀 \u0001 " \\ /', '10': 1, '9': 2, '😀': 3, '\uff5e': 4 },
    },
    contentHash: 'nvRhPprSITdkEK0QGL73lhrrLl+M0r6jTHOJopCzQuE',
    referenceHashes: { 1: 'vkraz7iXIudyb7iAQWZ7I4Ixx6AWGg5JWOwNxyU3mvY', 11: '/VIOGwzlNcP+lAV1MRWxzorQWAbsa6D0vQnEV+VN0AA' },
  },
]

for (const { name, pdu, contentHash: expected, referenceHashes } of golden) {
  suite(name, () => {
    const whole: Pdu = { ...common, ...pdu, hashes: { sha256: expected } }
    test('content hash', () => assert.equal(contentHash(whole), expected))
    let reference = ''
    for (let version = 1; version <= 12; version++) {
      reference = referenceHashes[version] ?? reference
      const wanted = reference
      test(`reference hash in version ${version}`, () => {
        assert.equal(encodeBase64(referenceHash(whole, rulesOf(`${version}`))), wanted)
      })
    }
  })
}

test('neither hash depends on unsigned and signatures, only the reference hash on hashes', () => {
  const pdu: Pdu = { ...common, type: 'm.room.name', state_key: '', content: { name: 'x' }, hashes: { sha256: 'a' } }
  const changed: Pdu = { ...pdu, unsigned: { age_ts: 5 }, signatures: {} }
  const rehashed: Pdu = { ...pdu, hashes: { sha256: 'b' } }
  const rules = rulesOf('10')
  assert.equal(contentHash(changed), contentHash(pdu))
  assert.equal(contentHash(rehashed), contentHash(pdu))
  assert.deepEqual(referenceHash(changed, rules), referenceHash(pdu, rules))
  assert.notDeepEqual(referenceHash(rehashed, rules), referenceHash(pdu, rules))
})

test('a __proto__ key is hashed', () => {
  const hidden: Pdu = JSON.parse('{"type":"x","content":{},"__proto__":{"a":1},"unsigned":{}}')
  assert.notEqual(contentHash(hidden), contentHash({ type: 'x', content: {} }))
})

test('numbers of room versions before 6 are hashed as they came', () => {
  const pdu = parseLossless(
    '{"type":"m.room.power_levels","content":{"ban":50.0,"kick":1e2,"users":{"@a:b":12345678901234567890}}}',
  )
  assert.ok(typeof pdu === 'object' && pdu !== null && !Array.isArray(pdu))
  assert.equal(
    essentialText(pdu, rulesOf('5')),
    '{"content":{"ban":50.0,"kick":1e2,"users":{"@a:b":12345678901234567890}},"type":"m.room.power_levels"}',
  )
})
