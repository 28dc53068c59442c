/** https://spec.matrix.org/v1.19/client-server-api/#cross-signing */
import { isDeepStrictEqual } from 'node:util'
import type { CrossSigningKey } from '../../schemas/definitions.ts'
import { type JsonObject, objectAt } from '../../schemas/json.ts'
import { forbidden, invalidParam, invalidSignature, missingParam } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Requester } from '../core/requester.ts'
import { verifyJson, verifyKeyFrom } from '../protocol/signing.ts'
import type { CrossSigningKeys, CrossSigningTable, KeyUsage } from '../storage/cross-signing.ts'
import type { Database } from '../storage/database.ts'
import type { Devices } from '../storage/devices.ts'
import type { UserInteractiveAuth } from '../users/uia.ts'
import type { DeviceLists } from './device-lists.ts'
import { publicKeyOf } from './published-keys.ts'

/** The body of an upload. */
export interface CrossSigningUpload extends JsonObject {
  auth?: JsonObject
  master_key?: CrossSigningKey
  self_signing_key?: CrossSigningKey
  user_signing_key?: CrossSigningKey
}

export interface CrossSigningParts {
  db: Database
  devices: Devices
  crossSigningKeys: CrossSigningTable
  deviceLists: DeviceLists
  uia: UserInteractiveAuth
}

/** The keys that users sign their devices and one another with. */
export class CrossSigning {
  readonly #parts: CrossSigningParts
  readonly #queue = new KeyedQueue<number>()

  constructor(parts: CrossSigningParts) {
    this.#parts = parts
  }

  /**
   * Publishes keys of the requester. Who replaces or adds to keys proves to be the owner of the account first.
   * Throws M_INVALID_PARAM, M_INVALID_SIGNATURE, M_MISSING_PARAM without a master key, and M_FORBIDDEN for a key whose
   * name is that of a device.
   */
  async upload(requester: Requester, body: CrossSigningUpload): Promise<void> {
    const given = givenKeys(requester, body)
    await this.#queue.run(requester.userNid, async () => {
      const existing = await this.#parts.crossSigningKeys.ofUser(requester.userNid)
      const fresh = Object.keys(given).some((usage) => !isSameKey(given[usage as KeyUsage], existing[usage as KeyUsage]))
      if (!fresh && Object.keys(given).length > 0) return
      await this.#check(requester, given, existing)
      const isOpen = existing.master === undefined || requester.appServiceId !== undefined
      if (isOpen) await this.#store(requester, given, existing)
      else {
        const store = () => this.#store(requester, given, existing)
        await this.#parts.uia.performAsOwner(requester, 'replace cross-signing keys', body, store)
      }
    })
  }

  async #check({ userId, userNid }: Requester, given: CrossSigningKeys, existing: CrossSigningKeys): Promise<void> {
    const master = given.master ?? existing.master
    if (!master) throw missingParam('There is no master key')
    for (const usage of ['self_signing', 'user_signing'] as const) {
      const key = given[usage]
      if (key && !isSigned(key, userId, publicKeyOf(master)))
        throw invalidSignature(`The master key has not signed the ${usage} key`)
    }
    const deviceIds = new Set<string>((await this.#parts.devices.ofUser(userNid)).map(({ deviceId }) => deviceId))
    if (Object.values(given).some((key) => deviceIds.has(publicKeyOf(key)))) throw forbidden('That is the ID of a device')
  }

  async #store({ userNid }: Requester, given: CrossSigningKeys, existing: CrossSigningKeys): Promise<void> {
    const { db, crossSigningKeys, deviceLists } = this.#parts
    const isNewMaster = given.master !== undefined && !isSameKey(given.master, existing.master)
    await db.write((batch) => {
      if (isNewMaster) {
        // What the old master key has signed is worth nothing under another one.
        crossSigningKeys.removeAll(batch, userNid)
        if (existing.master) crossSigningKeys.removeSignatures(batch, userNid, publicKeyOf(existing.master))
      }
      for (const [usage, key] of Object.entries(given)) crossSigningKeys.set(batch, userNid, usage as KeyUsage, key)
      if (given.master || given.self_signing) deviceLists.noteChange(batch, userNid, null)
      else deviceLists.notePrivateChange(batch, userNid, userNid)
    })
  }
}

/** Whether the object carries a signature of the user by an Ed25519 key that is named after itself, and it is right. */
export function isSigned(object: JsonObject, userId: string, publicKey: string): boolean {
  const key = verifyKeyFrom(publicKey)
  return key !== undefined && verifyJson(object, userId, `ed25519:${publicKey}`, key)
}

function givenKeys({ userId }: Requester, body: CrossSigningUpload): CrossSigningKeys {
  const given: CrossSigningKeys = {}
  for (const usage of ['master', 'self_signing', 'user_signing'] as const) {
    const key = body[`${usage}_key`]
    if (!key) continue
    const publicKey = publicKeyOf(key)
    if (key.user_id !== userId || !key.usage.includes(usage)) throw invalidParam(`That is not your ${usage} key`)
    if (!isDeepStrictEqual(key.keys, { [`ed25519:${publicKey}`]: publicKey }) || !verifyKeyFrom(publicKey))
      throw invalidParam(`The ${usage} key must be one Ed25519 key, named after itself`)
    given[usage] = key
  }
  return given
}

/** Whether two uploads are of the same key, whatever the signatures. */
function isSameKey(a: JsonObject | undefined, b: JsonObject | undefined): boolean {
  return a !== undefined && b !== undefined && isDeepStrictEqual(objectAt(a, 'keys'), objectAt(b, 'keys'))
}
