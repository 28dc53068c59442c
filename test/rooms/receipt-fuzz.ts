/**
 * Sends spoiled events through the checks on receipt: text, form, hashes, signatures, authorisation, state, storage. What is
 * kept in the end is checked once more here, by other means.
 */
import assert from 'node:assert/strict'
import { createHash, type KeyObject, verify } from 'node:crypto'
import type { RoomId, ServerName, UserId } from '../../schemas/ids.ts'
import { type Json, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { MatrixError } from '../../src/core/errors.ts'
import { PduChecks } from '../../src/federation/pdus.ts'
import { SignatureChecks } from '../../src/federation/signature-checks.ts'
import { eventVerifier } from '../../src/federation/verify-events.ts'
import { authorise } from '../../src/protocol/event-auth/index.ts'
import { parseEvent } from '../../src/protocol/event-format.ts'
import type { Event, Pdu } from '../../src/protocol/event.ts'
import { redact } from '../../src/protocol/redaction.ts'
import { knownRoomVersions, type RoomRules } from '../../src/protocol/room-versions.ts'
import { signEvent, signingKeyFromSeed, verifyKeyFrom } from '../../src/protocol/signing.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import type { Draft } from '../../src/rooms/send.ts'
import type { Room } from '../../src/storage/rooms.ts'
import { FakeClock } from '../support/clock.ts'
import { Random } from '../support/random.ts'
import { Replica } from '../support/replica.ts'
import { mutate, mutated, textOf } from './mutations.ts'

/** CPU time that no step may exceed: what others do on the machine does not count. */
const PATIENCE_MS = 100
/** Spoiled events that are made of one good one, and received together with it. */
const BATCH = 20
const BATCHES_A_ROOM = 25

const keys = {
  a: signingKeyFromSeed('one', new Uint8Array(32).fill(1)),
  b: signingKeyFromSeed('one', new Uint8Array(32).fill(2)),
}
type Server = keyof typeof keys
const publicKeys = new Map<string, KeyObject>()
for (const [server, { publicKey }] of Object.entries(keys)) {
  const key = verifyKeyFrom(publicKey)
  if (key) publicKeys.set(server, key)
}
const publicKeysOf = async (wanted: readonly { server: string; keyId: string }[]) =>
  wanted.map(({ server, keyId }) => (keyId === 'ed25519:one' ? publicKeys.get(server) : undefined))
const serverIn = (id: string | undefined): Server => (id?.endsWith(':b') ? 'b' : 'a')

export class ReceiptFuzz implements AsyncDisposable {
  readonly #random: Random
  readonly #clock = new FakeClock()
  readonly #replica = new Replica('ours', () => undefined, this.#clock)
  readonly #checks: PduChecks
  #versions = 0
  /** What became of how many. */
  readonly counts: Record<string, number> = {}
  readonly slow: string[] = []
  /** CPU time of the slowest event that was parsed, or batch that was received, in milliseconds. */
  slowestMs = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    const keyRing = { knownKeys: publicKeysOf, keysFor: publicKeysOf }
    this.#checks = new PduChecks(eventVerifier({ keyRing, checks: new SignatureChecks() }))
  }

  /** Receives about so many events. */
  async receive(events: number): Promise<void> {
    for (let received = 0; received < events; ) {
      const room = await this.#newRoom()
      for (let batch = 0; batch < BATCHES_A_ROOM && received < events; batch++) {
        const base = await this.#newEvent(room)
        if (!base) break
        await this.#receiveBatch(room, [textOf(base), ...this.#spoiled(base, room.rules, BATCH)])
        received += BATCH + 1
      }
    }
  }

  /** The same for what needs no storage: form, hashes, ids, authorisation by what a room is at its beginning. */
  async parse(events: number): Promise<void> {
    for (let parsed = 0; parsed < events; ) {
      const room = await this.#newRoom()
      const { stateRoot } = await this.#replica.core.heads.get(room)
      const state = await this.#replica.events((await this.#replica.core.states.all(stateRoot)).map(({ eventId }) => eventId))
      const lookup = (type: string, stateKey: string) => state.find((event) => event.type === type && event.stateKey === stateKey)
      for (let batch = 0; batch < 40 * BATCHES_A_ROOM && parsed < events; batch++) {
        const base = await this.#newEvent(room)
        if (!base) break
        for (const text of this.#spoiled(base, room.rules, BATCH)) {
          this.#timed(text, () => this.#parseOne(text, room.rules, lookup))
          parsed++
        }
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#replica[Symbol.asyncDispose]()
  }

  #parseOne(text: string, rules: RoomRules, lookup: (type: string, stateKey: string) => Event | undefined): void {
    const json = this.#read(text)
    const parsed = json === undefined ? undefined : parseEvent(json, rules)
    if (!parsed) return
    if ('refused' in parsed) return this.#count('refused by form')
    this.#count(authorise(parsed.event, lookup).allowed ? 'allowed' : 'not allowed')
  }

  #read(text: string): Json | undefined {
    try {
      return parseLossless(text)
    } catch (cause) {
      if (!(cause instanceof MatrixError)) throw cause
      this.#count('no JSON')
      return undefined
    }
  }

  async #receiveBatch(room: Room, texts: readonly string[]): Promise<void> {
    const pdus = texts.flatMap((text) => this.#read(text) ?? [])
    const started = process.cpuUsage()
    const events: Event[] = []
    for (const checked of await this.#checks.each(pdus, room.rules)) {
      if ('refused' in checked) this.#count('refused by form or signature')
      else if (checked.event.roomId !== room.roomId) this.#count('of another room')
      else events.push(checked.event)
    }
    const verdicts = await this.#replica.receiver.receive('a' as ServerName, room, events)
    const { user } = process.cpuUsage(started)
    this.slowestMs = Math.max(this.slowestMs, user / 1000)
    if (user > PATIENCE_MS * 1000) this.slow.push(`${user / 1000} ms for ${texts.length} events`)
    for (const [index, { kind }] of verdicts.entries()) {
      this.#count(kind)
      const event = events[index]
      if (event && (kind === 'accepted' || kind === 'soft-failed' || kind === 'rejected')) assertGenuine(event)
    }
  }

  #timed(text: string, task: () => void): void {
    const started = process.threadCpuUsage()
    task()
    const { user, system } = process.threadCpuUsage(started)
    const ms = (user + system) / 1000
    this.slowestMs = Math.max(this.slowestMs, ms)
    if (ms > PATIENCE_MS) this.slow.push(text.slice(0, 2_000))
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  /** Spoiled events, as text: half of them signed after the change, with or without a new hash. */
  #spoiled(base: Pdu, rules: RoomRules, count: number): string[] {
    return Array.from({ length: count }, () => {
      if (this.#random.chance(0.5)) return mutate(this.#random, base)
      const changed = mutated(this.#random, base)
      if (this.#random.chance(0.8)) delete changed['hashes']
      if (this.#random.chance(0.8)) changed['signatures'] = {}
      const signed = signedBy(changed, rules)
      return this.#random.chance(0.9) ? textOf(signed) : mutate(this.#random, signed)
    })
  }

  async #newRoom(): Promise<Room> {
    const version = knownRoomVersions[this.#versions++ % knownRoomVersions.length] ?? '11'
    const root = '@root:ours' as UserId
    this.#clock.later(1)
    const users = { ...(version !== '12' && { [root]: 100 }), '@ann:a': 100, '@one:b': 50 }
    const rule = ['8', '9', '10', '11'].includes(version) ? { join_rule: 'restricted', allow: [] } : { join_rule: 'public' }
    const room = await this.#replica.create(version, root, [
      { type: 'm.room.power_levels', stateKey: '', content: { users, users_default: 0 } },
      { type: 'm.room.join_rules', stateKey: '', content: rule },
      { type: 'm.room.member', stateKey: '@ann:a', content: { membership: 'invite' } },
      { type: 'm.room.member', stateKey: '@one:b', content: { membership: 'invite' } },
    ])
    for (const user of ['@ann:a', '@one:b'] as UserId[]) {
      const draft = { sender: user, type: 'm.room.member', stateKey: user, content: { membership: 'join' } }
      await this.#replica.send(room.roomId, draft)
    }
    return room
  }

  /** An event that could come from another server, signed; undefined where nobody may do anything in the room any more. */
  async #newEvent(room: Room): Promise<Pdu | undefined> {
    for (let attempt = 0; attempt < 10; attempt++) {
      this.#clock.later(1)
      try {
        const event = await this.#replica.core.sender.build(room, this.#anyDraft(room.roomId))
        return signedBy(event.pdu, room.rules)
      } catch (cause) {
        if (!(cause instanceof MatrixError)) throw cause
      }
    }
    return undefined
  }

  #anyDraft(roomId: RoomId): Draft {
    const random = this.#random
    const sender = random.pick(['@ann:a', '@one:b', '@two:b']) as UserId
    const target = random.pick(['@one:b', '@two:b', '@three:a', sender])
    const content: JsonObject = { membership: random.pick(['join', 'leave', 'invite', 'ban', 'knock']) }
    if (random.chance(0.2)) content['join_authorised_via_users_server'] = '@ann:a'
    return random.pick<Draft>([
      { sender, type: 'm.room.message', content: { body: roomId, n: random.below(1000), nested: { list: [1, 'two', null] } } },
      { sender, type: 'm.room.topic', stateKey: '', content: { topic: String(random.below(1000)) } },
      { sender, type: 'm.room.member', stateKey: target, content },
      {
        sender,
        type: 'm.room.power_levels',
        stateKey: '',
        content: { users: { '@ann:a': 100, '@one:b': 50, '@two:b': random.below(50) }, events: { 'm.room.name': 1 } },
      },
      {
        sender,
        type: 'm.room.redaction',
        content: {},
        redacts: '$QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ' as Event['eventId'],
      },
    ])
  }
}

/** Signed by the server of its sender; as it is where it cannot be signed. */
function signedBy(pdu: Pdu, rules: RoomRules): Pdu {
  try {
    const server = serverIn(stringAt(pdu, 'sender'))
    const authoriser = stringAt(objectAt(pdu, 'content') ?? {}, 'join_authorised_via_users_server')
    const signed = signEvent(pdu, rules, server, keys[server])
    return authoriser === undefined ? signed : signEvent(signed, rules, serverIn(authoriser), keys[serverIn(authoriser)])
  } catch (cause) {
    if (cause instanceof MatrixError) return pdu
    throw cause
  }
}

/** The content hash fits or there is no content that it would cover; the sender's server has signed; the id is the hash. */
function assertGenuine(event: Event): void {
  const { pdu, rules, sender } = event
  const { hashes: _hashes, signatures: _signatures, unsigned: _unsigned, ...hashed } = pdu
  const claimed = stringAt(objectAt(pdu, 'hashes') ?? {}, 'sha256') ?? ''
  if (Buffer.from(claimed, 'base64').compare(sha256(canonical(hashed))) !== 0)
    assert.equal(canonical(pdu), canonical(redact(pdu, rules.redaction)), `a wrong hash: ${JSON.stringify(pdu)}`)
  const { signatures: _, unsigned: __, ...essential } = redact(pdu, rules.redaction)
  const server = sender.slice(sender.indexOf(':') + 1)
  const signature = objectAt(objectAt(pdu, 'signatures') ?? {}, server)?.['ed25519:one']
  const key = publicKeys.get(server)
  const isThirdParty = stringAt(event.content, 'membership') === 'invite' && 'third_party_invite' in event.content
  const isSigned =
    key && typeof signature === 'string' && verify(null, Buffer.from(canonical(essential)), key, Buffer.from(signature, 'base64'))
  assert.ok(isSigned || isThirdParty, `a wrong signature: ${JSON.stringify(pdu)}`)
  if (rules.eventIdFormat === 'chosen') return
  const encoding = rules.eventIdFormat === 'base64' ? 'base64' : 'base64url'
  assert.equal(event.eventId, `$${sha256(canonical(essential)).toString(encoding).replace('=', '')}`)
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Canonical JSON once more, in the plainest way. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort(byCodePoint)
    .map((key) => `${JSON.stringify(key)}:${canonical((value as JsonObject)[key] ?? null)}`)
  return `{${members.join(',')}}`
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
