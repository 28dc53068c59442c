import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RoomId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { openStorage, type Storage } from '../../src/app/storage.ts'
import { lenientCanonicalJson } from '../../src/protocol/canonical-json.ts'
import { parseEvent } from '../../src/protocol/event-format.ts'
import { knownRoomVersions, roomRules } from '../../src/protocol/room-versions.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { Standing } from '../../src/storage/stored-event.ts'

const HASH = 'A'.repeat(43)
const SIGNATURE = 'B'.repeat(85) + 'A'
const ID = `$${HASH}`

/** Keeps a PDU in a room of a version, forgets all caches, and gives what comes back. */
async function keptAndRead(version: string, pduText: string): Promise<JsonObject> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  const path = join(folder, 'test.db')
  const rules = roomRules(version)
  assert.ok(rules)
  const parsed = parseEvent(parseLossless(pduText), rules)
  assert.ok('event' in parsed, JSON.stringify(parsed))
  const { event } = parsed
  const use = async <T>(run: (storage: Storage) => Promise<T>): Promise<T> => {
    const storage = openStorage(path, 'OFF')
    const result = await run(storage)
    await storage.db[Symbol.asyncDispose]()
    return result
  }
  await use(async ({ db, rooms, names, events }) => {
    const room = await db.write((batch) => rooms.create(batch, '!room:a.test' as RoomId, rules))
    const resolved = await names.resolve(events.namesOf(event))
    await db.write((batch) => {
      const placement = { standing: Standing.outlier, stateBefore: undefined, stateAfter: undefined }
      events.append(batch, { nid: events.drawNid(), room, event, placement, names: resolved, cited: new Map() })
    })
  })
  const read = await use(async ({ events }) => {
    const stored = await events.byId(event.eventId)
    assert.ok(stored)
    return (await events.pdu(stored.nid)).pdu
  })
  await rm(folder, { recursive: true })
  return read
}

const cite = (version: string) =>
  version === '1' || version === '2' ? [['$prev:a.test', { sha256: HASH }]] : [version === '3' ? ID : ID]

for (const version of knownRoomVersions) {
  test(`a PDU of room version ${version} comes back from disk as it was signed`, async () => {
    const pdu = {
      ...(version === '1' || version === '2' ? { event_id: '$chosen:a.test' } : {}),
      type: 'm.room.topic',
      state_key: 'é\\n',
      room_id: '!room:a.test',
      sender: '@alice:a.test',
      origin_server_ts: 1_700_000_000_000,
      depth: 12,
      content: { topic: '\u{1F600}"\\\u0000', ['__proto__']: 1, nested: { b: [1, null, true], a: {} } },
      prev_events: cite(version),
      auth_events: cite(version),
      hashes: { sha256: HASH },
      signatures: { 'a.test': { 'ed25519:1': SIGNATURE }, 'b.test': { 'ed25519:2': SIGNATURE } },
      origin: 'a.test',
      ['__proto__']: { polluted: true },
    }
    const text = JSON.stringify(pdu)
    assert.equal(lenientCanonicalJson(await keptAndRead(version, text)), lenientCanonicalJson(parseLossless(text)))
  })
}

test('numbers that are not canonical come back as they were written, before room version 6', async () => {
  const text = `{"type":"m.room.message","room_id":"!room:a.test","sender":"@alice:a.test","origin_server_ts":1,"depth":1,"content":{"big":12345678901234567890,"half":1.50,"e":1e3},"prev_events":["${ID}"],"auth_events":["${ID}"],"hashes":{"sha256":"${HASH}"},"signatures":{}}`
  assert.equal(lenientCanonicalJson(await keptAndRead('5', text)), lenientCanonicalJson(parseLossless(text)))
})

test('a signature in the name of __proto__ touches no prototype', async () => {
  const text = `{"type":"m.room.message","room_id":"!room:a.test","sender":"@alice:a.test","origin_server_ts":1,"depth":1,"content":{},"prev_events":["${ID}"],"auth_events":["${ID}"],"hashes":{"sha256":"${HASH}"},"signatures":{"__proto__":{"polluted":"${SIGNATURE}"}}}`
  const read = await keptAndRead('10', text)
  assert.equal(lenientCanonicalJson(read), lenientCanonicalJson(parseLossless(text)))
  assert.equal('polluted' in {}, false)
})
