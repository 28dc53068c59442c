/** matrix-js-sdk dehydrates a device and rehydrates it on another one: what was sent to nobody who was logged in can be read. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { ClientEvent, createClient, type MatrixClient, SyncState } from 'matrix-js-sdk'
import { type CryptoApi, CryptoEvent, type GeneratedSecretStorageKey } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { anotherDevice } from '../devices/support.ts'
import { testHomeserver } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'
import './js-client.ts'

const quiet = { getChild: () => quiet, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** A client that encrypts, and follows the server. */
async function started(url: string, user: TestUser, recovery: { key?: GeneratedSecretStorageKey }) {
  const sdk = createClient({
    baseUrl: url,
    userId: user.id,
    accessToken: user.token,
    deviceId: user.deviceId,
    logger: quiet,
    cryptoCallbacks: {
      getSecretStorageKey: async ({ keys }) => {
        const [keyId] = Object.keys(keys)
        return keyId !== undefined && recovery.key ? [keyId, recovery.key.privateKey] : null
      },
    },
  })
  await sdk.initRustCrypto({ useIndexedDB: false })
  await sdk.startClient({ initialSyncLimit: 20 })
  await until(sdk, () => sdk.getSyncState() === SyncState.Syncing)
  const crypto = sdk.getCrypto()
  assert.ok(crypto)
  return { sdk, crypto, [Symbol.dispose]: () => sdk.stopClient() }
}

/** Resolves once something is so, asked after each sync. */
async function until(sdk: MatrixClient, isSo: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = () => isSo() && resolve()
  sdk.on(ClientEvent.Sync, look)
  look()
  await promise
  sdk.off(ClientEvent.Sync, look)
}

async function setUpSecrets(crypto: CryptoApi, recovery: { key?: GeneratedSecretStorageKey }): Promise<void> {
  await crypto.bootstrapSecretStorage({
    createSecretStorageKey: async () => {
      recovery.key = await crypto.createRecoveryKeyFromPassphrase()
      return recovery.key
    },
  })
  await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (upload) => void (await upload(null)) })
}

test('a dehydrated device gets the keys of messages from while nobody was logged in', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  const recovery: { key?: GeneratedSecretStorageKey } = {}
  const state = [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }]
  const room = await alice.createRoom({ preset: 'public_chat', initial_state: state })
  await bob.join(room)
  {
    using first = await started(hs.url, alice, recovery)
    assert.equal(await first.crypto.isDehydrationSupported(), true)
    await setUpSecrets(first.crypto, recovery)
    await first.crypto.startDehydration()
  }
  {
    using other = await started(hs.url, bob, {})
    await other.sdk.sendTextMessage(room, 'nobody is there to read this')
  }
  using second = await started(hs.url, await anotherDevice(hs, alice), recovery)
  const keys = Promise.withResolvers<number>()
  second.sdk.on(CryptoEvent.RehydrationProgress, (roomKeyCount) => keys.resolve(roomKeyCount))
  assert.ok(await second.crypto.userHasCrossSigningKeys(alice.id, true))
  await second.crypto.bootstrapCrossSigning({})
  await second.crypto.startDehydration()
  assert.equal(await keys.promise, 1)
})
