import type { DeviceId, UserId } from '../../schemas/ids.ts'
import { type JsonObject, objectAt } from '../../schemas/json.ts'
import type { CrossSigningKeys, CrossSigningTable, KeySignature } from '../storage/cross-signing.ts'
import type { DeviceKeysTable } from '../storage/device-keys.ts'
import type { RemoteDevicesTable } from '../storage/remote-devices.ts'

export interface PublishedKeysParts {
  deviceKeyTable: DeviceKeysTable
  crossSigningKeys: CrossSigningTable
  remoteDevices: RemoteDevicesTable
}

/** Who asks for keys. */
export interface KeyReader {
  /** Undefined for another server. */
  readonly userNid: number | undefined
  readonly seesNames: boolean
}

/** The keys of one user, with the signatures that the reader may see. */
export interface UserKeys {
  readonly devices: readonly { readonly deviceId: DeviceId; readonly displayName: string | null; readonly keys: JsonObject }[]
  readonly crossSigning: CrossSigningKeys
}

/** Puts keys and the signatures on them together: of our own users, and of those remote users whose lists we have. */
export class PublishedKeys {
  readonly #parts: PublishedKeysParts

  constructor(parts: PublishedKeysParts) {
    this.#parts = parts
  }

  async ofLocal(userNid: number, reader: KeyReader): Promise<UserKeys> {
    return this.#signed(userNid, await this.#parts.deviceKeyTable.ofUser(userNid), reader)
  }

  async ofRemote(userNid: number, reader: KeyReader): Promise<UserKeys> {
    const devices = await this.#parts.remoteDevices.devices(userNid)
    const known = devices.flatMap(({ keys, ...device }) => (keys === null ? [] : [{ ...device, keys }]))
    return this.#signed(userNid, known, reader)
  }

  async #signed(userNid: number, devices: UserKeys['devices'], reader: KeyReader): Promise<UserKeys> {
    const { crossSigningKeys } = this.#parts
    const crossSigning = await crossSigningKeys.ofUser(userNid)
    // Others see the signatures of the keys' owner, and their own.
    const signers = reader.userNid === undefined ? [userNid] : [userNid, reader.userNid]
    const signatures = await crossSigningKeys.signatures(userNid, signers)
    const { master, self_signing, user_signing } = crossSigning
    return {
      devices: devices.map(({ deviceId, displayName, keys }) => {
        const unsigned = reader.seesNames && displayName !== null ? { device_display_name: displayName } : {}
        return { deviceId, displayName, keys: { ...withSignatures(keys, deviceId, signatures), unsigned } }
      }),
      crossSigning: {
        ...(master && { master: withSignatures(master, publicKeyOf(master), signatures) }),
        ...(self_signing && { self_signing }),
        ...(user_signing && reader.userNid === userNid && { user_signing }),
      },
    }
  }
}

/** The public key of a cross-signing key, which has one only. */
export function publicKeyOf(key: JsonObject): string {
  const [publicKey] = Object.values(objectAt(key, 'keys') ?? {})
  return typeof publicKey === 'string' ? publicKey : ''
}

/** The devices as answers have them: by id. */
export function devicesById({ devices }: UserKeys, wanted: readonly string[] = []): Record<string, JsonObject> {
  const chosen = devices.filter(({ deviceId }) => wanted.length === 0 || wanted.includes(deviceId))
  return Object.fromEntries(chosen.map(({ deviceId, keys }) => [deviceId, keys]))
}

/** Whether keys that came from elsewhere say that they are of this user and device, or say nothing. */
export function isOf(keys: JsonObject, userId: UserId, deviceId?: string): boolean {
  return (keys['user_id'] ?? userId) === userId && (deviceId === undefined || (keys['device_id'] ?? deviceId) === deviceId)
}

function withSignatures(object: JsonObject, target: string, signatures: readonly KeySignature[]): JsonObject {
  const added = signatures.filter((signature) => signature.target === target)
  if (added.length === 0) return object
  const all: JsonObject = { ...objectAt(object, 'signatures') }
  for (const { signer, keyId, signature } of added) all[signer] = { ...objectAt(all, signer), [keyId]: signature }
  return { ...object, signatures: all }
}
