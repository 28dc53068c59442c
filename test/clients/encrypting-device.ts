/** What people do with devices that encrypt: read, compare emoji, set up cross-signing and the secret storage. */
import assert from 'node:assert/strict'
import { MatrixError, Preset } from 'matrix-js-sdk'
import {
  type CryptoApi,
  type CryptoCallbacks,
  CryptoEvent,
  type GeneratedSecretStorageKey,
  type ShowSasCallbacks,
  VerificationPhase,
  type VerificationRequest,
  VerificationRequestEvent,
  VerifierEvent,
} from 'matrix-js-sdk/lib/crypto-api/index.js'
import { type ClientOptions, JsClient } from './js-client.ts'
import type { Account } from './servers.ts'

const ENCRYPTION = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
const SAS = 'm.sas.v1'

/** What the user has written down. */
export type RecoveryKey = GeneratedSecretStorageKey['privateKey']

export interface DeviceOptions extends Pick<ClientOptions, 'fetch' | 'slidingSync'> {
  readonly recoveryKey?: RecoveryKey
}

/** Logs in on a new device that encrypts; resolves when others can find its keys. */
export async function encryptingDevice(account: Account, options: DeviceOptions = {}): Promise<JsClient> {
  let { recoveryKey } = options
  const crypto: CryptoCallbacks = {
    getSecretStorageKey: async ({ keys }) => {
      const [keyId] = Object.keys(keys)
      return keyId !== undefined && recoveryKey !== undefined ? [keyId, recoveryKey] : null
    },
    cacheSecretStorageKey: (_keyId, _info, key) => void (recoveryKey = key),
  }
  const uploaded = Promise.withResolvers<void>()
  const send = options.fetch ?? fetch
  const device = await JsClient.logIn(account, {
    ...options,
    crypto,
    fetch: async (input, init) => {
      const response = await send(input, init)
      if (response.ok && String(input).endsWith('/keys/upload')) uploaded.resolve()
      return response
    },
  })
  await uploaded.promise
  return device
}

/** A private room in which messages are encrypted and two people have met. */
export async function encryptedRoom(owner: JsClient, guest: JsClient): Promise<string> {
  const { room_id: roomId } = await owner.sdk.createRoom({ preset: Preset.PrivateChat, initial_state: [ENCRYPTION] })
  await owner.sdk.invite(roomId, guest.userId)
  await guest.membership(roomId, 'invite')
  await guest.sdk.joinRoom(roomId)
  await guest.membership(roomId, 'join')
  await owner.until(() => owner.sdk.getRoom(roomId)?.getMember(guest.userId)?.membership === 'join' || undefined)
  return roomId
}

export function cryptoOf({ sdk }: JsClient): CryptoApi {
  const crypto = sdk.getCrypto()
  assert.ok(crypto)
  return crypto
}

export function deviceIdOf({ sdk }: JsClient): string {
  return sdk.getDeviceId() ?? ''
}

/** The text of an encrypted message, once the device can read it. */
export function decrypted(device: JsClient, roomId: string, eventId: string): Promise<string> {
  return device.until(() => {
    const event = device.sdk.getRoom(roomId)?.findEventById(eventId)
    return event?.isEncrypted() && event.getType() === 'm.room.message' && !event.isDecryptionFailure()
      ? String(event.getContent()['body'])
      : undefined
  })
}

/** The Megolm session that a message was encrypted with. */
export async function sessionOf(device: JsClient, roomId: string, eventId: string): Promise<string> {
  return String((await device.event(roomId, eventId)).getWireContent()['session_id'])
}

/** Makes new cross-signing keys, proves who uploads them where the server asks for it, and gives how often it asked. */
export async function setUpCrossSigning(device: JsClient, { userId, password }: Account): Promise<number> {
  let asked = 0
  await cryptoOf(device).bootstrapCrossSigning({
    setupNewCrossSigning: true,
    authUploadDeviceSigningKeys: async (upload) => {
      try {
        await upload(null)
      } catch (error) {
        if (!(error instanceof MatrixError) || error.httpStatus !== 401) throw error
        asked++
        const identifier = { type: 'm.id.user', user: userId }
        await upload({ type: 'm.login.password', identifier, password, session: error.data['session'] })
      }
    },
  })
  return asked
}

/** Whether the device has all the private keys of cross-signing. */
export async function holdsCrossSigningKeys(device: JsClient): Promise<boolean> {
  const { publicKeysOnDevice, privateKeysCachedLocally: keys } = await cryptoOf(device).getCrossSigningStatus()
  return publicKeysOnDevice && keys.masterKey && keys.selfSigningKey && keys.userSigningKey
}

/** True when `device` knows that the owner of `other` has it, and would encrypt for it. */
export async function knows(device: JsClient, other: JsClient): Promise<true | undefined> {
  const devices = await cryptoOf(device).getUserDeviceInfo([other.userId])
  return devices.get(other.userId)?.has(deviceIdOf(other)) ? true : undefined
}

/** True when `device` has seen that the owner of `other` vouches for it. */
export async function trusts(device: JsClient, other: JsClient): Promise<true | undefined> {
  const status = await cryptoOf(device).getDeviceVerificationStatus(other.userId, deviceIdOf(other))
  return status?.signedByOwner ? true : undefined
}

/** Makes a secret storage and a key backup, whose key it holds with those of cross-signing. */
export async function setUpSecretStorage(device: JsClient): Promise<RecoveryKey> {
  const crypto = cryptoOf(device)
  const key = await crypto.createRecoveryKeyFromPassphrase()
  await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => key, setupNewKeyBackup: true })
  return key.privateKey
}

/** Resolves when the device has nothing left to back up; it begins at a random time within ten seconds. */
export function allKeysBackedUp({ sdk }: JsClient): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  sdk.on(CryptoEvent.KeyBackupSessionsRemaining, (remaining) => {
    if (remaining === 0) resolve()
  })
  return promise
}

/** The next request for a verification that somebody sends to the device. */
export function verificationRequest({ sdk }: JsClient): Promise<VerificationRequest> {
  const { promise, resolve } = Promise.withResolvers<VerificationRequest>()
  sdk.once(CryptoEvent.VerificationRequestReceived, resolve)
  return promise
}

/** Both sides of a verification see the same emoji and say so. */
export async function compareEmoji(asking: VerificationRequest, asked: VerificationRequest): Promise<void> {
  await asked.accept()
  await reached(asking, VerificationPhase.Ready)
  const ours = await asking.startVerification(SAS)
  await reached(asked, VerificationPhase.Started)
  const theirs = asked.verifier
  assert.ok(theirs)
  const shown = [ours, theirs].map((verifier) => {
    const { promise, resolve } = Promise.withResolvers<ShowSasCallbacks>()
    verifier.once(VerifierEvent.ShowSas, resolve)
    return promise
  })
  const done = Promise.all([ours.verify(), theirs.verify()])
  const both = await Promise.race([Promise.all(shown), done.then(() => assert.fail('Nothing was shown'))])
  const [left, right] = both.map(({ sas }) => sas.emoji)
  assert.equal(left?.length, 7)
  assert.deepEqual(left, right)
  await Promise.all(both.map((sas) => sas.confirm()))
  await done
}

async function reached(request: VerificationRequest, phase: VerificationPhase): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = () => {
    if (request.phase === phase) resolve()
  }
  request.on(VerificationRequestEvent.Change, look)
  look()
  await promise.finally(() => request.off(VerificationRequestEvent.Change, look))
}
