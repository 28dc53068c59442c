import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { Pdu } from '../../src/protocol/event.ts'
import { eventIdBytes, eventIdFromBytes, eventIdOf, isEventIdOf, roomIdOfCreate } from '../../src/protocol/event-id.ts'
import { referenceHash } from '../../src/protocol/hashes.ts'
import { rulesOf } from '../support/dag.ts'

const [chosen, standard, urlSafe, hashRooms] = [rulesOf('2'), rulesOf('3'), rulesOf('4'), rulesOf('12')]
const pdu: Pdu = {
  type: 'm.room.create',
  state_key: '',
  sender: '@a:b',
  content: {},
  hashes: { sha256: 'x' },
  event_id: '$chosen:b',
}

suite('the id of an event', () => {
  test('is what the sender chose in versions 1 and 2', () => assert.equal(eventIdOf(pdu, chosen), '$chosen:b'))
  test('is refused there where it is missing or no id', () => {
    for (const event_id of [undefined, 1, '', '$x', 'x:b', '$x:', '$x:not a server', `$${'x'.repeat(253)}:b`, '$x\0:b']) {
      const { event_id: _chosen, ...rest } = pdu
      assert.throws(() => eventIdOf(event_id === undefined ? rest : { ...rest, event_id }, chosen), { errcode: 'M_BAD_JSON' })
    }
  })
  test('is the reference hash in standard base64 in version 3', () => {
    const hash = referenceHash(pdu, standard).toString('base64').slice(0, 43)
    assert.equal(eventIdOf(pdu, standard), `$${hash}`)
  })
  test('is the reference hash in URL-safe base64 from version 4 on', () => {
    assert.equal(eventIdOf(pdu, urlSafe), `$${referenceHash(pdu, urlSafe).toString('base64url')}`)
  })
})

suite('ids and their bytes', () => {
  test('become each other in both alphabets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        for (const rules of [standard, urlSafe, hashRooms]) {
          const id = eventIdFromBytes(bytes, rules)
          assert.ok(isEventIdOf(id, rules))
          assert.deepEqual(eventIdBytes(id), Buffer.from(bytes))
        }
      }),
    )
  })
  test('the example of the specification is an id of version 4 and later, not of 3', () => {
    const id = '$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg'
    assert.ok(isEventIdOf(id, urlSafe))
    assert.ok(!isEventIdOf(id, standard))
    assert.equal(eventIdBytes(id)?.length, 32)
  })
  test('a chosen id has no bytes', () => assert.equal(eventIdBytes('$chosen:b'), undefined))
  test('no two spellings stand for one hash', () => {
    const id = eventIdFromBytes(new Uint8Array(32), urlSafe)
    assert.equal(id, `$${'A'.repeat(43)}`)
    for (const spelling of [
      `$${'A'.repeat(42)}B`,
      `$${'A'.repeat(43)}=`,
      `$${'A'.repeat(44)}`,
      `$${'A'.repeat(42)}`,
      `$${'A'.repeat(21)}\n${'A'.repeat(21)}`,
    ]) {
      assert.equal(eventIdBytes(spelling), undefined, spelling)
      assert.ok(!isEventIdOf(spelling, urlSafe), spelling)
    }
    assert.equal(eventIdBytes(`$+-${'A'.repeat(41)}`), undefined)
  })
})

test('the id of a room of version 12 is that of its create event with another sigil', () => {
  const { room_id: _none, ...create } = pdu
  const id = eventIdOf(create, hashRooms)
  assert.equal(roomIdOfCreate(id), `!${id.slice(1)}`)
})
