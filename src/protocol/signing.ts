/** https://spec.matrix.org/v1.19/appendices/#signing-json and https://spec.matrix.org/v1.19/server-server-api/#signing-events */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { lenientCanonicalJson } from './canonical-json.ts'
import type { Pdu } from './event.ts'
import { contentHash, essentialText } from './hashes.ts'
import { isSmallOrder } from './small-order.ts'
import type { RoomRules } from './room-versions.ts'

const SEED_BYTES = 32
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410), as OpenSSL reads it. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** A key of a server that signs. */
export interface SigningKey {
  /** The signing key identifier, such as `ed25519:a_abcd`. */
  readonly keyId: string
  /** Unpadded base64 of the 32 bytes. */
  readonly publicKey: string
  /** The signature of a message (text stands for its UTF-8 bytes), in unpadded base64. */
  sign(message: string | Uint8Array): string
}

/**
 * The key that a seed of 32 bytes stands for.
 * @throws {RangeError} for another length
 */
export function signingKeyFromSeed(version: string, seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_BYTES) throw new RangeError(`An Ed25519 seed has ${SEED_BYTES} bytes, not ${seed.length}`)
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length)
  return {
    keyId: `ed25519:${version}`,
    publicKey: encodeBase64(publicKey),
    sign: (message) => encodeBase64(sign(null, bytesOf(message), privateKey)),
  }
}

/**
 * A verification key from its base64. Undefined for what is no key: text that is not 32 bytes of base64, and the points
 * of small order, with which one signature fits every message.
 */
export function verifyKeyFrom(publicKey: string): KeyObject | undefined {
  const bytes = decodeBase64(publicKey, KEY_BYTES)
  if (bytes === undefined || isSmallOrder(bytes)) return undefined
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' })
}

/**
 * Signs a JSON object: gives a copy with the signature added to those that it has.
 * @throws {MatrixError} M_BAD_JSON where the object has no canonical form
 */
export function signJson(object: JsonObject, name: string, key: SigningKey): JsonObject {
  return withSignatures(object, name, { [key.keyId]: key.sign(signedText(object)) })
}

/** Whether the object carries a signature of `name` with that key id, and the key confirms it. */
export function verifyJson(object: JsonObject, name: string, keyId: string, verifyKey: KeyObject): boolean {
  const signature = signatureOf(object, name, keyId)
  return signature !== undefined && verify(null, bytesOf(signedText(object)), verifyKey, signature)
}

/**
 * Adds a server's signature to an event, and the content hash to one that has none yet. The PDU is not changed.
 * @throws {MatrixError} M_BAD_JSON where the PDU has no canonical form
 */
export function signEvent(pdu: Pdu, rules: RoomRules, serverName: string, key: SigningKey): Pdu {
  const hashes = objectAt(pdu, 'hashes')
  const hashed = hashes?.['sha256'] === undefined ? { ...pdu, hashes: { ...hashes, sha256: contentHash(pdu) } } : pdu
  return withSignatures(hashed, serverName, { [key.keyId]: key.sign(essentialText(hashed, rules)) })
}

/** Whether the event carries a signature of that server with that key id, and the key confirms it. */
export function verifyEventSignature(
  pdu: Pdu,
  rules: RoomRules,
  serverName: string,
  keyId: string,
  verifyKey: KeyObject,
): boolean {
  const signature = signatureOf(pdu, serverName, keyId)
  return signature !== undefined && verify(null, bytesOf(essentialText(pdu, rules)), verifyKey, signature)
}

/** The 64 bytes of a signature; undefined where it is missing or no base64, with or without padding. */
export function signatureOf(object: JsonObject, name: string, keyId: string): Buffer | undefined {
  const signature = stringAt(objectAt(objectAt(object, 'signatures') ?? {}, name) ?? {}, keyId)
  return signature === undefined ? undefined : decodeBase64(signature, SIGNATURE_BYTES)
}

/** The ids of the Ed25519 keys with which `name` has signed the object: those whose algorithm we know. */
export function keyIdsOf(object: JsonObject, name: string): string[] {
  const signatures = objectAt(objectAt(object, 'signatures') ?? {}, name) ?? {}
  return Object.keys(signatures).filter((keyId) => keyId.startsWith('ed25519:'))
}

/**
 * JSON is signed by encoding the JSON object without `signatures` or keys grouped as `unsigned`.
 * @throws {MatrixError} M_BAD_JSON where the object has no canonical form
 */
export function signedText(object: JsonObject): string {
  const { signatures: _signatures, unsigned: _unsigned, ...rest } = object
  return lenientCanonicalJson(rest)
}

/** A copy of an object with signatures of `name`, by key id, beside those that it has. */
export function withSignatures(object: JsonObject, name: string, added: JsonObject): JsonObject {
  const signatures = objectAt(object, 'signatures') ?? {}
  return { ...object, signatures: { ...signatures, [name]: { ...objectAt(signatures, name), ...added } } }
}

function bytesOf(message: string | Uint8Array): Uint8Array {
  return typeof message === 'string' ? Buffer.from(message) : message
}
