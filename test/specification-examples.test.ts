/**
 * The worked examples of the specification's appendices, server-server and room-version pages, and the tests that work
 * them out: here, or in the file that is named.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { type EventId, isServerName, type UserId } from '../schemas/ids.ts'
import type { Json, JsonObject } from '../schemas/json.ts'
import { decodeBase64, encodeBase64 } from '../src/protocol/base64.ts'
import { buildEvent } from '../src/protocol/event-builder.ts'
import { parseEvent, redactedEvent } from '../src/protocol/event-format.ts'
import type { Event } from '../src/protocol/event.ts'
import { powerLevelsFrom } from '../src/protocol/power-levels.ts'
import { requiredSignatures } from '../src/protocol/required-signatures.ts'
import { knownRoomVersions, roomRules } from '../src/protocol/room-versions.ts'
import { stateMapKey } from '../src/protocol/state-map.ts'
import { parseLossless } from '../src/protocol/strict-json.ts'
import { rulesOf } from './support/dag.ts'
import { Replica } from './support/replica.ts'

/** By page and section: the name of each example, and the file with a test of that name. */
const elsewhere: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'appendices: Canonical JSON': {
    'protocol/canonical-json.test.ts': [
      'an empty object',
      'a number and a string',
      'keys out of order',
      'keys out of order without white space',
      'nested objects',
      'Japanese text',
      'Japanese keys',
      'an escape that is not needed',
      'null',
      '-0 and 1e10 of a JavaScript value',
    ],
  },
  'appendices: Cryptographic Test Vectors': {
    'protocol/signing.test.ts': [
      'an empty JSON object',
      'a JSON object with data values',
      'a minimally-sized event',
      'an event containing redactable content',
    ],
  },
  'appendices: 3PID Types': {
    'users/email-address.test.ts': ['bob@example.com', 'strauss@example.com'],
  },
  'server-server: Request Authentication': { 'protocol/xmatrix.test.ts': ['the example of the specification'] },
  'server-server: Soft failure': {
    'rooms/soft-failure.test.ts': [
      'a soft-failed event is no end of the room and not in its state',
      'once somebody builds on it, state resolution decides about it',
    ],
  },
  'server-server: Signing Events, example code': {
    'protocol/hashes.test.ts': ['m.room.member', 'm.room.create', 'm.room.redaction', 'a message with unusual keys'],
  },
  'rooms/v4: Event IDs': {
    'protocol/event-id.test.ts': ['the example of the specification is an id of version 4 and later, not of 3'],
  },
}

for (const [section, files] of Object.entries(elsewhere)) {
  for (const [file, names] of Object.entries(files)) {
    test(`${section}: ${names.length} in test/${file}`, async () => {
      const text = await readFile(new URL(file, import.meta.url), 'utf8')
      assert.deepEqual(
        names.filter((name) => !text.includes(name)),
        [],
      )
    })
  }
}

suite('appendices: Unpadded Base64', () => {
  const examples = { '': '', f: 'Zg', fo: 'Zm8', foo: 'Zm9v', foob: 'Zm9vYg', fooba: 'Zm9vYmE', foobar: 'Zm9vYmFy' }
  for (const [text, encoded] of Object.entries(examples)) {
    test(`UNPADDED_BASE64("${text}")`, () => {
      assert.equal(encodeBase64(Buffer.from(text)), encoded)
      assert.equal(decodeBase64(encoded, text.length)?.toString(), text)
    })
  }
})

suite('appendices: Server Name', () => {
  const examples = ['matrix.org', 'matrix.org:8888', '1.2.3.4', '1.2.3.4:1234', '[1234:5678::abcd]', '[1234:5678::abcd]:5678']
  for (const name of examples) test(name, () => assert.ok(isServerName(name)))
})

suite('rooms: Room version grammar', () => {
  for (const version of ['1.2', '1.2-beta', 'com.example.version'])
    test(`${version} is a version, and none that this server knows`, () => assert.equal(roomRules(version), undefined))
  test('1', () => assert.equal(roomRules('1')?.version, '1'))
})

/** The power levels of a room of version 1 with this content. */
function levelsOf(content: Json) {
  const rules = rulesOf('1')
  const create = { type: 'm.room.create', sender: '@example:localhost', content: {}, rules } as unknown as Event
  return powerLevelsFrom({ content, rules } as unknown as Event, create, rules)
}

suite('rooms/v1: values in m.room.power_levels', () => {
  const floats =
    '{"ban":50,"events":{"m.room.power_levels":100},"events_default":0,"state_default":50,' +
    '"users":{"@example:example.org":100,"@alice:localhost":50,"@bob:localhost":50.57},"users_default":0}'
  const strings: JsonObject = {
    ban: '50',
    events: { 'm.room.power_levels': '100' },
    events_default: '0',
    state_default: '50',
    users: { '@example:localhost': '100' },
    users_default: '0',
  }
  test('a float counts without its fraction', () => {
    const levels = levelsOf(parseLossless(floats))
    assert.deepEqual(
      ['@alice:localhost', '@bob:localhost'].map((user) => levels.of(user)),
      [50, 50],
    )
  })
  test('strings count as the integers that they hold', () => {
    const levels = levelsOf(strings)
    assert.deepEqual([levels.of('@example:localhost'), levels.of('@bob:localhost'), levels.ban], [100, 0, 50])
  })
})

suite('room versions: Event format', () => {
  const base: JsonObject = {
    room_id: '!UcYsUzyxTGDxLBEvLy:example.org',
    sender: '@alice:example.com',
    origin_server_ts: 1404838188000,
    depth: 12,
    type: 'm.room.message',
    content: { key: 'value' },
    hashes: { sha256: 'thishashcoversallfieldsincasethisisredacted' },
    signatures: {
      'example.com': {
        'ed25519:key_version': 'these86bytesofbase64signaturecoveressentialfieldsincludinghashessocancheckredactedpdus',
      },
    },
    unsigned: { age: 4612 },
  }
  const chosen: Json = [['$af232176:example.org', { sha256: 'abase64encodedsha256hashshouldbe43byteslong' }]]
  // Ids of the pages of versions 3 and 4 in place of words that stand for ids.
  const v3: Json = ['$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk']
  const v4: Json = ['$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg']
  const formOf = (version: string): JsonObject => {
    if (version <= '2' && version.length === 1)
      return { ...base, event_id: '$a4ecee13e2accdadf56c1025:example.com', auth_events: chosen, prev_events: chosen }
    if (version === '3')
      return { ...base, auth_events: v3, prev_events: v3, redacts: '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk' }
    const event = { ...base, auth_events: v4, prev_events: v4 }
    if (version === '12') return { ...event, room_id: '!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ' }
    return version === '11' ? event : { ...event, redacts: '$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg' }
  }
  for (const version of knownRoomVersions) {
    test(`version ${version}: the example is read, and redacted since its hash is none`, () => {
      const parsed = parseEvent(formOf(version), rulesOf(version))
      assert.ok('event' in parsed, JSON.stringify(parsed))
      assert.equal(parsed.contentHashMatches, false)
      assert.deepEqual(redactedEvent(parsed.event).content, {})
      assert.deepEqual([parsed.event.depth, parsed.event.sender], [12, '@alice:example.com'])
    })
  }
  test('a restricted join needs the signature of its authoriser as well', () => {
    const content = { membership: 'join', join_authorised_via_users_server: '@arbitrary:resident.example.com' }
    const pdu = { ...formOf('10'), type: 'm.room.member', state_key: '@alice:example.com', content }
    assert.deepEqual(
      requiredSignatures({ pdu, rules: rulesOf('10'), eventId: '$x' as EventId }).map(({ server }) => server),
      ['example.com', 'resident.example.com'],
    )
  })
})

const alice = '@alice:ours' as UserId

/** A room, and a way to add events of alice to its graph by name: `E2 on E1`. */
async function graph(version: string) {
  const replica = new Replica('ours')
  const { roomId } = await replica.create(version, alice, [])
  const room = await replica.room(roomId)
  const first = await replica.core.sender.build(room, { sender: alice, type: 'm.room.message', content: {} })
  const events = new Map<string, Event>()
  const add = async (name: string, on: readonly string[], type = 'm.room.message') => {
    const prev = on.map((each) => events.get(each) ?? assert.fail(each))
    const eventId = `$${name}:ours` as EventId
    const chosen = { eventId, referenceHashOf: () => new Uint8Array(32) }
    const event = buildEvent(
      {
        type,
        ...(type !== 'm.room.message' && { stateKey: '' }),
        sender: alice,
        roomId,
        content: { name },
        originServerTs: 1_700_000_000_000 + events.size,
        depth: prev.length === 0 ? first.depth : 1 + Math.max(...prev.map(({ depth }) => depth)),
        prevEvents: prev.length === 0 ? first.prevEvents : prev.map((each) => each.eventId),
        authEvents: first.authEvents,
        chosen: first.rules.eventIdFormat === 'chosen' ? chosen : undefined,
      },
      first.rules,
    )
    events.set(name, event)
    assert.equal((await replica.receive(replica, roomId, [event]))[0]?.kind, 'accepted')
    return event
  }
  return { replica, roomId, events, add, [Symbol.asyncDispose]: () => replica[Symbol.asyncDispose]() }
}

for (const version of knownRoomVersions) {
  test(`server-server: PDUs, a new event cites E4 and E6 (version ${version})`, async () => {
    await using room = await graph(version)
    await room.add('E1', [])
    for (const [name, on] of Object.entries({ E2: 'E1', E3: 'E2', E4: 'E3', E5: 'E2', E6: 'E5' })) await room.add(name, [on])
    const next = await room.replica.send(room.roomId, { sender: alice, type: 'm.room.message', content: {} })
    const ends = ['E4', 'E6'].map((name) => room.events.get(name)?.eventId)
    assert.deepEqual(next.prevEvents.toSorted(), ends.toSorted())
  })

  test(`server-server: Room State Resolution, the name at E5 (version ${version})`, async () => {
    await using room = await graph(version)
    await room.add('E0', [])
    await room.add('E1', ['E0'])
    await room.add('E2', ['E1'])
    await room.add('E3', ['E2'], 'm.room.name')
    await room.add('E4', ['E1'], 'm.room.name')
    await room.add('E5', ['E3', 'E4'])
    // Version 1 goes by the depth, later ones by the time of events that have the same power levels.
    const expected = room.events.get(version === '1' ? 'E3' : 'E4')?.eventId
    assert.equal((await room.replica.currentState(room.roomId)).get(stateMapKey('m.room.name', '')), expected)
  })
}
