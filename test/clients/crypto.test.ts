import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  allKeysBackedUp,
  compareEmoji,
  cryptoOf,
  decrypted,
  deviceIdOf,
  encryptedRoom,
  encryptingDevice,
  holdsCrossSigningKeys,
  knows,
  type RecoveryKey,
  sessionOf,
  setUpCrossSigning,
  setUpSecretStorage,
  trusts,
  verificationRequest,
} from './encrypting-device.ts'
import { account, twoServers } from './servers.ts'

/** One for each device that has written. */
const SESSIONS = 4
/** So many one-time keys does the Rust crypto upload at first. */
const UPLOADED_KEYS = 50

/** A device's connection, which can be cut: requests wait until it is restored. */
class Line {
  #open: Promise<void> = Promise.resolve()
  #restore = () => {}

  readonly fetch: typeof fetch = async (input, init) => {
    await this.#open
    return fetch(input, init)
  }

  cut(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#open = promise
    this.#restore = resolve
  }

  restore(): void {
    this.#restore()
  }
}

test('two people on two servers with two devices each, end-to-end encrypted', { timeout: 110_000 }, async (t) => {
  await using servers = await twoServers()
  const [alice, bob] = [await account(servers.one, 'alice'), await account(servers.two, 'bob')]
  using phone = await encryptingDevice(alice)
  using desktop = await encryptingDevice(alice)
  using bobs = await encryptingDevice(bob)
  using tablet = await encryptingDevice(bob)
  const devices = [phone, desktop, bobs, tablet]

  await t.test('a first set of cross-signing keys needs no proof', async () => {
    for (const [device, owner] of [
      [phone, alice],
      [bobs, bob],
    ] as const) {
      assert.equal(await setUpCrossSigning(device, owner), 0)
      assert.ok(await holdsCrossSigningKeys(device))
    }
  })

  const roomId = await encryptedRoom(phone, bobs)
  for (const device of devices) {
    await device.until(() => device.sdk.getRoom(roomId)?.getMember(bob.userId)?.membership === 'join' || undefined)
  }

  await t.test('each reads what any other writes', async () => {
    for (const writer of devices) {
      const eventId = await writer.say(roomId, `From ${deviceIdOf(writer)}`)
      for (const reader of devices) assert.equal(await decrypted(reader, roomId, eventId), `From ${deviceIdOf(writer)}`)
    }
  })

  await t.test('two devices of one person compare emoji, and the new one gets the secrets of the old one', async () => {
    const asked = verificationRequest(phone)
    await compareEmoji(await cryptoOf(desktop).requestOwnUserVerification(), await asked)
    await desktop.until(async () => (await holdsCrossSigningKeys(desktop)) || undefined)
    for (const device of devices) await device.until(() => trusts(device, desktop))
  })

  await t.test('two people compare emoji in a room, and their other devices learn of it', async () => {
    const asked = verificationRequest(bobs)
    await compareEmoji(await cryptoOf(phone).requestVerificationDM(bob.userId, roomId), await asked)
    for (const [device, { userId }] of [
      [phone, bob],
      [bobs, alice],
      [desktop, bob],
    ] as const) {
      await device.until(
        async () => (await cryptoOf(device).getUserVerificationStatus(userId)).isCrossSigningVerified() || undefined,
      )
    }
  })

  let recoveryKey: RecoveryKey | undefined
  const early = await bobs.say(roomId, 'Before the watch')

  await t.test('keys are backed up', async () => {
    await decrypted(phone, roomId, early)
    const backedUp = allKeysBackedUp(phone)
    recoveryKey = await setUpSecretStorage(phone)
    await backedUp
  })

  assert.ok(recoveryKey)
  using watch = await encryptingDevice(alice, { recoveryKey })

  await t.test('a new device with the recovery key is trusted, and reads what was written before it came', async () => {
    const crypto = cryptoOf(watch)
    assert.ok(await crypto.userHasCrossSigningKeys(alice.userId, true))
    await crypto.bootstrapCrossSigning({})
    await crypto.loadSessionBackupPrivateKeyFromSecretStorage()
    assert.ok((await crypto.checkKeyBackupAndEnable())?.trustInfo.trusted)
    const { imported } = await crypto.restoreKeyBackup()
    assert.ok(imported >= SESSIONS)
    await watch.until(() => watch.sdk.getRoom(roomId) ?? undefined)
    assert.equal(await decrypted(watch, roomId, early), 'Before the watch')
    for (const device of [phone, bobs]) await device.until(() => trusts(device, watch))
  })

  await t.test('who has lost a device is told no more on it', async () => {
    const before = await bobs.say(roomId, 'To the watch, too')
    await decrypted(watch, roomId, before)
    await watch.sdk.logout(true)
    await bobs.until(async () => ((await knows(bobs, watch)) ? undefined : true))
    const after = await bobs.say(roomId, 'Not to the watch')
    assert.equal(await decrypted(phone, roomId, after), 'Not to the watch')
    assert.notEqual(await sessionOf(phone, roomId, after), await sessionOf(phone, roomId, before))
  })

  await t.test('a device whose one-time keys have run out is still reached, by its fallback key', async () => {
    const line = new Line()
    using laptop = await encryptingDevice(alice, { fetch: line.fetch })
    const claim = async () => {
      const { one_time_keys: keys } = await bobs.sdk.claimOneTimeKeys([[alice.userId, deviceIdOf(laptop)]])
      const [key] = Object.values(keys[alice.userId]?.[deviceIdOf(laptop)] ?? {})
      assert.ok(key)
      return key
    }
    line.cut()
    const claimed = [await claim()]
    while (!('fallback' in (claimed.at(-1) ?? {}))) claimed.push(await claim())
    assert.deepEqual(await claim(), claimed.at(-1))
    assert.equal(new Set(claimed.map(({ key }) => key)).size, UPLOADED_KEYS + 1)
    await bobs.until(() => knows(bobs, laptop))
    const eventId = await bobs.say(roomId, 'Are you there?')
    line.restore()
    assert.equal(await decrypted(laptop, roomId, eventId), 'Are you there?')
    const answer = await laptop.say(roomId, 'Here I am')
    assert.equal(await decrypted(bobs, roomId, answer), 'Here I am')
  })

  await t.test('another set of cross-signing keys needs the password, and has not been verified by anybody', async () => {
    assert.equal(await setUpCrossSigning(bobs, bob), 1)
    await phone.until(async () => {
      const status = await cryptoOf(phone).getUserVerificationStatus(bob.userId)
      return (status.wasCrossSigningVerified() && !status.isCrossSigningVerified()) || undefined
    })
  })
})
