/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload */
import { isDeepStrictEqual } from 'node:util'
import type { DeviceId } from '../../schemas/ids.ts'
import { type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { invalidSignature, MatrixError, notFound } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import { verifyJson, verifyKeyFrom } from '../protocol/signing.ts'
import type { CrossSigningKeys, CrossSigningTable } from '../storage/cross-signing.ts'
import type { Database } from '../storage/database.ts'
import type { DeviceKeysTable, DeviceWithKeys } from '../storage/device-keys.ts'
import type { Names } from '../storage/names.ts'
import { isSigned } from './cross-signing.ts'
import type { DeviceLists } from './device-lists.ts'
import { publicKeyOf } from './published-keys.ts'
import type { ByDevice } from './remote.ts'

export interface KeySignaturesParts {
  db: Database
  names: Names
  deviceKeyTable: DeviceKeysTable
  crossSigningKeys: CrossSigningTable
  deviceLists: DeviceLists
}

/** What the requester may sign with, and what of their own they may sign. */
interface Signer {
  readonly requester: Requester
  readonly keys: CrossSigningKeys
  readonly devices: readonly DeviceWithKeys[]
}

/** A signature that may be kept. */
interface Accepted {
  readonly userNid: number
  readonly target: string
  readonly keyId: string
  readonly signature: string
  /** The device of the requester that is signed. */
  readonly deviceId: DeviceId | null
}

/** Signatures that users put on their own devices and master keys, and on the master keys of others. */
export class KeySignatures {
  readonly #parts: KeySignaturesParts

  constructor(parts: KeySignaturesParts) {
    this.#parts = parts
  }

  /** Keeps what is right; answers why the rest is not, by user and by device id or public key. */
  async upload(requester: Requester, body: ByDevice<JsonObject>): Promise<ByDevice<JsonObject>> {
    const { crossSigningKeys, deviceKeyTable } = this.#parts
    const { userNid } = requester
    const keys = await crossSigningKeys.ofUser(userNid)
    const signer = { requester, keys, devices: await deviceKeyTable.ofUser(userNid) }
    const accepted: Accepted[] = []
    const failures: ByDevice<JsonObject> = {}
    for (const [userId, objects] of Object.entries(body)) {
      for (const [target, object] of Object.entries(objects)) {
        const verdict =
          userId === requester.userId ? signOwn(signer, target, object) : await this.#signOther(signer, userId, target, object)
        if (verdict instanceof MatrixError) failures[userId] = { ...failures[userId], [target]: verdict.toJSON() }
        else accepted.push(...verdict)
      }
    }
    if (accepted.length > 0) await this.#keep(userNid, accepted)
    return failures
  }

  async #signOther(signer: Signer, userId: string, target: string, object: JsonObject): Promise<Accepted[] | MatrixError> {
    const { names, crossSigningKeys } = this.#parts
    const userNid = await names.find(userId)
    const { master } = userNid === undefined ? {} : await crossSigningKeys.ofUser(userNid)
    if (userNid === undefined || !master || publicKeyOf(master) !== target) return notFound('There is no such master key')
    const key = signer.keys.user_signing && publicKeyOf(signer.keys.user_signing)
    return signedBy(signer.requester.userId, userNid, target, object, master, key)
  }

  async #keep(signerNid: number, accepted: readonly Accepted[]): Promise<void> {
    const { db, crossSigningKeys, deviceLists } = this.#parts
    await db.write((batch) => {
      for (const { userNid, deviceId, ...signature } of accepted) {
        crossSigningKeys.sign(batch, userNid, signerNid, signature)
        if (userNid === signerNid) deviceLists.noteChange(batch, userNid, deviceId)
        else deviceLists.notePrivateChange(batch, signerNid, userNid)
      }
    })
  }
}

/** A device of one's own is signed by the self-signing key, the master key by a device. */
function signOwn({ requester, keys, devices }: Signer, target: string, object: JsonObject): Accepted[] | MatrixError {
  const { userId, userNid } = requester
  const device = devices.find(({ deviceId }) => deviceId === target)
  if (device) {
    const key = keys.self_signing && publicKeyOf(keys.self_signing)
    const accepted = signedBy(userId, userNid, target, object, device.keys, key)
    return accepted instanceof MatrixError ? accepted : accepted.map((signature) => ({ ...signature, deviceId: device.deviceId }))
  }
  if (!keys.master || publicKeyOf(keys.master) !== target) return notFound('You have no such device or key')
  if (!isSameObject(object, keys.master)) return invalidSignature('What was signed is not the key that is known')
  const accepted: Accepted[] = []
  for (const [keyId, signature] of signaturesOf(object, userId)) {
    const signing = devices.find(({ deviceId }) => keyId === `ed25519:${deviceId}`)
    const key = signing && verifyKeyFrom(stringAt(objectAt(signing.keys, 'keys') ?? {}, keyId) ?? '')
    if (!key || !verifyJson(object, userId, keyId, key)) return invalidSignature(`The signature by ${keyId} is wrong`)
    accepted.push({ userNid, target, keyId, signature, deviceId: null })
  }
  return accepted.length === 0 ? invalidSignature('There is no signature by one of your devices') : accepted
}

/** The signature that one key has made, if it is there and right, on what is known of the target. */
function signedBy(
  signer: string,
  userNid: number,
  target: string,
  object: JsonObject,
  known: JsonObject,
  publicKey: string | undefined,
): Accepted[] | MatrixError {
  if (publicKey === undefined) return notFound('You have no key to sign this with')
  if (!isSameObject(object, known)) return invalidSignature('What was signed is not what is known')
  if (!isSigned(object, signer, publicKey)) return invalidSignature()
  const keyId = `ed25519:${publicKey}`
  const signature = signaturesOf(object, signer).find(([id]) => id === keyId)?.[1]
  return signature === undefined ? invalidSignature() : [{ userNid, target, keyId, signature, deviceId: null }]
}

function signaturesOf(object: JsonObject, userId: string): [string, string][] {
  const signatures = objectAt(objectAt(object, 'signatures') ?? {}, userId) ?? {}
  return Object.entries(signatures).flatMap(([keyId, signature]) => (typeof signature === 'string' ? [[keyId, signature]] : []))
}

/** Whether two objects are the same but for what is not signed. */
function isSameObject(a: JsonObject, b: JsonObject): boolean {
  return isDeepStrictEqual(signedPart(a), signedPart(b))
}

function signedPart({ signatures: _signatures, unsigned: _unsigned, ...rest }: JsonObject): JsonObject {
  return rest
}
