/** Keys and devices as clients have them, with real signatures. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { JsonObject } from '../../schemas/json.ts'
import { signingKeyFromSeed, signJson, type SigningKey } from '../../src/protocol/signing.ts'
import type { TestHomeserver } from '../support/homeserver.ts'
import { call, type SeenSync, TestUser } from '../support/user.ts'

/** The Ed25519 key of whatever a text names, with a key id of its own. */
export function keyOf(name: string, keyId?: string): SigningKey {
  const key = signingKeyFromSeed('x', createHash('sha256').update(name).digest())
  return { ...key, keyId: `ed25519:${keyId ?? key.publicKey}` }
}

/** The identity keys of a user's device, signed by it. */
export function deviceKeys({ id, deviceId }: TestUser): JsonObject {
  const key = keyOf(`${id} ${deviceId}`, deviceId)
  const keys = {
    user_id: id,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
    keys: { [`curve25519:${deviceId}`]: `identity of ${deviceId}`, [key.keyId]: key.publicKey },
  }
  return signJson(keys, id, key)
}

export function oneTimeKeys(...keyIds: string[]): JsonObject {
  return Object.fromEntries(keyIds.map((keyId) => [`signed_curve25519:${keyId}`, { key: `key ${keyId}`, signatures: {} }]))
}

type Usage = 'master' | 'self_signing' | 'user_signing'

/** A user's cross-signing key; `generation` tells apart those that replace one another. */
export function crossSigningKey({ id }: TestUser, usage: Usage, generation = 1): JsonObject {
  const { keyId, publicKey } = signerOf(id, usage, generation)
  const key = { user_id: id, usage: [usage], keys: { [keyId]: publicKey } }
  return usage === 'master' ? key : signJson(key, id, signerOf(id, 'master', generation))
}

export const signerOf = (userId: string, usage: Usage, generation = 1): SigningKey => keyOf(`${userId} ${usage} ${generation}`)

/** Another device of the same user, logged in with the password. */
export async function anotherDevice(hs: TestHomeserver, user: TestUser): Promise<TestUser> {
  const { status, body } = await call(hs, 'POST', 'login', {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: user.id },
    password: passwordOf(user),
  })
  assert.equal(status, 200)
  return new TestUser(hs, user.id, String(body['access_token']), String(body['device_id']))
}

export const passwordOf = ({ id }: TestUser): string => `${id.slice(1, id.indexOf(':'))}'s password`

export interface DeviceSync extends SeenSync {
  readonly to_device: { events: JsonObject[] }
  readonly device_lists: { changed: string[]; left: string[] }
  readonly device_one_time_keys_count: Record<string, number>
  readonly device_unused_fallback_key_types: string[]
}

/** One part of the user's next sync. */
export async function syncPart<K extends keyof DeviceSync>(user: TestUser, name: K): Promise<DeviceSync[K]> {
  return whole(await user.sync())[name]
}

/** Syncs until the user hears that the devices of another one have changed. */
export async function seesDeviceChange(user: TestUser, of: string, list: 'changed' | 'left' = 'changed'): Promise<DeviceSync> {
  return user.syncUntil((sync) => (whole(sync).device_lists[list].includes(of) ? whole(sync) : undefined))
}

/** Lists without anybody in them are left out. */
function whole(sync: SeenSync): DeviceSync {
  const seen = sync as DeviceSync
  const lists: Partial<DeviceSync['device_lists']> = seen.device_lists ?? {}
  return { ...seen, device_lists: { changed: [], left: [], ...lists } }
}
