/**
 * The binary form of an event's body: what its row's columns do not say already.
 *
 * Ids of events that we have are their nids, names are nids, hashes and signatures are raw bytes, the content is its JSON
 * text: what clients get can be written without parsing it. An event that does not fit (chosen event ids, unusual hashes or
 * signatures) keeps its whole PDU as text beside its content. `unsigned` is not kept: nobody signed it.
 */
import { parseJson } from '../core/json-text.ts'
import type { Event, Pdu } from '../protocol/event.ts'
import { stickyDurationOf } from '../protocol/sticky.ts'
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import { eventIdBytes } from './event-ids.ts'
import { VarintReader, VarintWriter } from './varint.ts'

const RAW = 1
const HAS_REDACTS = 2
const HAS_EXTRA = 4
const STICKY = 8
const HASH_SIZE = 32
const SIGNATURE_SIZE = 64

const LAID_OUT = new Set([
  'auth_events',
  'content',
  'depth',
  'hashes',
  'origin_server_ts',
  'prev_events',
  'redacts',
  'room_id',
  'sender',
  'signatures',
  'state_key',
  'type',
  'unsigned',
])

/** A cited event: its nid, or its id's bytes where we did not have it when this one was stored. */
export type EventReference = number | Uint8Array

export interface Signature {
  server: string
  keyId: string
  bytes: Buffer
}

export interface SignatureReference {
  serverNid: number
  keyNid: number
  bytes: Buffer
}

/** What every reader of an event needs. */
export interface BodyHead {
  originServerTs: number
  depth: number
  contentText: string
  redacts: string | undefined
  /** For how long the event is to be sticky, in milliseconds; the PDU's member is kept beside it. */
  stickyMs: number | undefined
}

/** What only the whole PDU needs. */
export type BodyRest =
  | { raw: string }
  | {
      raw: undefined
      extra: JsonObject
      hash: string
      prevEvents: EventReference[]
      authEvents: EventReference[]
      signatures: SignatureReference[]
    }

export interface Nids {
  /** The nid of an event that we have. */
  event(eventId: string): number | undefined
  name(text: string): number
}

/** The names that `encodeBody` will ask for: signing servers and their keys. */
export function namesInBody(pdu: Pdu): string[] {
  return signaturesOf(pdu)?.flatMap(({ server, keyId }) => [server, keyId]) ?? []
}

/** The head of an event's body, before it is one. */
export function headOf({ content, depth, originServerTs, pdu }: Event): BodyHead {
  // A top-level `redacts` is kept here in every version; that of version 11 and later is part of the content.
  const redacts = typeof pdu.redacts === 'string' ? pdu.redacts : undefined
  const contentText = JSON.stringify(content)
  return { originServerTs: Math.max(0, originServerTs), depth, contentText, redacts, stickyMs: stickyDurationOf(pdu) }
}

export function encodeBody(event: Event, head: BodyHead, nids: Nids): Buffer {
  const { pdu } = event
  const signatures = signaturesOf(pdu)
  const hash = sha256Of(pdu)
  if (event.rules.eventIdFormat === 'chosen' || !signatures || !hash) {
    const { unsigned: _, ...kept } = pdu
    return writeHead(head, RAW).text(JSON.stringify(kept)).finish()
  }
  const extra = extraOf(pdu)
  const writer = writeHead(head, extra ? HAS_EXTRA : 0)
  if (extra) writer.text(JSON.stringify(extra))
  writer.bytes(hash)
  references(writer, event.prevEvents, nids)
  references(writer, event.authEvents, nids)
  writer.integer(signatures.length)
  for (const { server, keyId, bytes } of signatures) writer.integer(nids.name(server)).integer(nids.name(keyId)).bytes(bytes)
  return writer.finish()
}

export function decodeHead(body: Uint8Array): BodyHead {
  return readHead(new VarintReader(body)).head
}

export function decodeRest(body: Uint8Array): BodyRest {
  const reader = new VarintReader(body)
  const { flags } = readHead(reader)
  if (flags & RAW) return { raw: reader.text() }
  return {
    raw: undefined,
    extra: flags & HAS_EXTRA ? (parseJson(reader.text()) as JsonObject) : {},
    hash: reader.bytes(HASH_SIZE).toString('base64').replace('=', ''),
    prevEvents: readReferences(reader),
    authEvents: readReferences(reader),
    signatures: Array.from({ length: reader.integer() }, () => ({
      serverNid: reader.integer(),
      keyNid: reader.integer(),
      bytes: reader.bytes(SIGNATURE_SIZE),
    })),
  }
}

/** What an event cites, beside its head; undefined where its PDU was kept as text. */
export function decodeCitations(
  body: Uint8Array,
): { head: BodyHead; prevEvents: EventReference[]; authEvents: EventReference[] } | undefined {
  const reader = new VarintReader(body)
  const { flags, head } = readHead(reader)
  if (flags & RAW) return undefined
  if (flags & HAS_EXTRA) reader.text()
  reader.bytes(HASH_SIZE)
  return { head, prevEvents: readReferences(reader), authEvents: readReferences(reader) }
}

function writeHead({ originServerTs, depth, contentText, redacts, stickyMs }: BodyHead, flags: number): VarintWriter {
  const writer = new VarintWriter(320 + contentText.length)
    .integer(flags | (redacts === undefined ? 0 : HAS_REDACTS) | (stickyMs === undefined ? 0 : STICKY))
    .integer(originServerTs)
    .integer(depth)
    .text(contentText)
  if (redacts !== undefined) writer.text(redacts)
  return stickyMs === undefined ? writer : writer.integer(stickyMs)
}

function readHead(reader: VarintReader): { flags: number; head: BodyHead } {
  const flags = reader.integer()
  const originServerTs = reader.integer()
  const depth = reader.integer()
  const contentText = reader.text()
  const redacts = flags & HAS_REDACTS ? reader.text() : undefined
  const stickyMs = flags & STICKY ? reader.integer() : undefined
  return { flags, head: { originServerTs, depth, contentText, redacts, stickyMs } }
}

/** A known event is its nid plus one; an unknown one is a 0 and the bytes of its id. */
function references(writer: VarintWriter, eventIds: readonly string[], nids: Nids): void {
  writer.integer(eventIds.length)
  for (const eventId of eventIds) {
    const nid = nids.event(eventId)
    if (nid === undefined) writer.integer(0).bytes(eventIdBytes(eventId))
    else writer.integer(nid + 1)
  }
}

function readReferences(reader: VarintReader): EventReference[] {
  return Array.from({ length: reader.integer() }, () => {
    const nid = reader.integer()
    return nid === 0 ? reader.bytes(HASH_SIZE) : nid - 1
  })
}

function extraOf(pdu: Pdu): JsonObject | undefined {
  let extra: JsonObject | undefined
  for (const key of Object.keys(pdu)) {
    if (LAID_OUT.has(key)) continue
    extra ??= Object.create(null) as JsonObject
    extra[key] = pdu[key] ?? null
  }
  return extra
}

function sha256Of({ hashes }: Pdu): Buffer | undefined {
  if (!isJsonObject(hashes) || Object.keys(hashes).length !== 1 || typeof hashes.sha256 !== 'string') return undefined
  return unpadded(hashes.sha256, HASH_SIZE)
}

/** The signatures, or undefined when one of them is not a plain Ed25519 signature. */
function signaturesOf({ signatures = {} }: Pdu): Signature[] | undefined {
  if (!isJsonObject(signatures)) return undefined
  const all: Signature[] = []
  for (const [server, keys] of Object.entries(signatures)) {
    if (!isJsonObject(keys) || Object.keys(keys).length === 0) return undefined
    for (const [keyId, text] of Object.entries(keys)) {
      const bytes = typeof text === 'string' ? unpadded(text, SIGNATURE_SIZE) : undefined
      if (!bytes) return undefined
      all.push({ server, keyId, bytes })
    }
  }
  return all
}

/** The bytes of unpadded base64 that is written the one right way, so that writing it again gives the same text. */
function unpadded(text: string, size: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === size && bytes.toString('base64').replace(/=+$/, '') === text ? bytes : undefined
}
