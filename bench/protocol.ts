/**
 * What our own protocol code costs beside the packages of npm that it stands in for: `node bench/protocol.ts`.
 * Each figure is the median of rounds that take turns, so that a busy machine slows all of them alike.
 */
import { createRequire } from 'node:module'
import npmCanonicalJson from 'canonical-json'
import nacl from 'tweetnacl'
import type { EventId, RoomId, UserId } from '../schemas/ids.ts'
import { decodeBase64 } from '../src/protocol/base64.ts'
import { canonicalJson } from '../src/protocol/canonical-json.ts'
import { buildEvent, type EventTemplate } from '../src/protocol/event-builder.ts'
import { parseEvent } from '../src/protocol/event-format.ts'
import { roomRules } from '../src/protocol/room-versions.ts'
import { signEvent, signingKeyFromSeed, verifyJson, verifyKeyFrom } from '../src/protocol/signing.ts'
import { parseJson } from '../src/core/json-text.ts'
import { parseLossless, parseStrict } from '../src/protocol/strict-json.ts'

const ROUNDS = 15
const ROUND_MS = 20

const anotherJson: { stringify(value: unknown): unknown } = createRequire(import.meta.url)('another-json')
const rules = roomRules('11')
const seed = Buffer.alloc(32, 7)
const key = signingKeyFromSeed('bench', seed)
const verifyKey = verifyKeyFrom(key.publicKey)
if (rules === undefined || verifyKey === undefined) throw new Error('unreachable')

const id = (letter: string) => `$${letter.repeat(42)}A` as EventId
const template: EventTemplate = {
  type: 'm.room.message',
  sender: '@alice:example.org' as UserId,
  roomId: '!qwertyuiopasdfghjk:example.org' as RoomId,
  content: {
    msgtype: 'm.text',
    body: 'The quick brown fox jumps over the lazy dog.',
    'm.mentions': {},
    'm.relates_to': { rel_type: 'm.thread', event_id: id('t') },
  },
  originServerTs: 1732735824653,
  depth: 1234,
  prevEvents: [id('p')],
  authEvents: [id('a'), id('b'), id('c')],
}
const signed = signEvent(buildEvent(template, rules).pdu, rules, 'example.org', key)
const text = canonicalJson(signed)
const received = parseLossless(text)
const message = Buffer.from(text)
const naclKey = nacl.sign.keyPair.fromSeed(seed)
const naclSignature = nacl.sign.detached(message, naclKey.secretKey)
const ownSignature = decodeBase64(key.sign(message), 64)
if (ownSignature === undefined || !ownSignature.equals(naclSignature)) throw new Error('The signatures differ')
const signedObject = { body: text, signatures: { a: { [key.keyId]: key.sign(`{"body":${JSON.stringify(text)}}`) } } }

const groups: Record<string, Record<string, () => unknown>> = {
  'canonical JSON': {
    ours: () => canonicalJson(signed),
    'JSON.stringify (not canonical)': () => JSON.stringify(signed),
    'canonical-json': () => npmCanonicalJson(signed),
    'another-json': () => anotherJson.stringify(signed),
  },
  'keys in order': {
    ours: () => canonicalJson(received),
    'JSON.stringify': () => JSON.stringify(received),
    'canonical-json': () => npmCanonicalJson(received),
    'another-json': () => anotherJson.stringify(received),
  },
  'reading JSON': {
    parseLossless: () => parseLossless(text),
    'JSON.parse': () => JSON.parse(text),
    parseJson: () => parseJson(text),
    parseStrict: () => parseStrict(text),
  },
  sign: {
    ours: () => key.sign(message),
    tweetnacl: () => nacl.sign.detached(message, naclKey.secretKey),
  },
  verify: {
    ours: () => verifyJson(signedObject, 'a', key.keyId, verifyKey),
    tweetnacl: () => nacl.sign.detached.verify(message, naclSignature, naclKey.publicKey),
  },
  event: {
    'buildEvent (unsigned)': () => buildEvent(template, rules),
    'parseEvent (format, id, content hash)': () => parseEvent(received, rules),
    signEvent: () => signEvent(buildEvent(template, rules).pdu, rules, 'example.org', key),
  },
}

/** Microseconds that one call takes, over about ROUND_MS. */
function round(task: () => unknown): number {
  const start = performance.now()
  let calls = 0
  let elapsed = 0
  for (; elapsed < ROUND_MS; elapsed = performance.now() - start) for (let i = 0; i < 10; i++, calls++) task()
  return (elapsed * 1000) / calls
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

process.stdout.write(`node ${process.versions.node}, OpenSSL ${process.versions.openssl}, an event of ${message.length} bytes\n`)
for (const [group, tasks] of Object.entries(groups)) {
  const entries = Object.entries(tasks).map(([name, task]) => ({ name, task, times: [] as number[] }))
  for (const { task } of entries) round(task)
  for (let turn = 0; turn < ROUNDS; turn++) for (const { task, times } of entries) times.push(round(task))
  const first = median(entries[0]?.times ?? [])
  for (const { name, times } of entries) {
    const time = median(times)
    process.stdout.write(
      `${group.padEnd(15)} ${name.padEnd(40)} ${time.toFixed(2).padStart(8)} us  x${(time / first).toFixed(2)}\n`,
    )
  }
}
