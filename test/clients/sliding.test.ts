import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventType, type MatrixClient, Preset } from 'matrix-js-sdk'
import { SlidingSync } from 'matrix-js-sdk/lib/sliding-sync.js'
import { decrypted, encryptedRoom, encryptingDevice } from './encrypting-device.ts'
import { JsClient } from './js-client.ts'
import { account, twoServers } from './servers.ts'

const TIMEOUT_MS = 10_000
/** What a list of rooms shows needs, and no more. */
const LIST = {
  ranges: [[0, 19]],
  timeline_limit: 1,
  required_state: [
    ['m.room.create', ''],
    ['m.room.encryption', ''],
    ['m.room.member', '$LAZY'],
    ['m.room.member', '$ME'],
    ['m.room.name', ''],
  ],
}
/** What an open room needs. */
const OPEN_ROOM = { timeline_limit: 50, required_state: [['*', '*']] }

const slidingSync = (sdk: MatrixClient) =>
  new SlidingSync(sdk.getHomeserverUrl(), new Map([['rooms', LIST]]), OPEN_ROOM, sdk, TIMEOUT_MS)

test('two people whose clients follow their servers by sliding sync', { timeout: 110_000 }, async (t) => {
  await using servers = await twoServers()
  const [aliceAccount, bobAccount] = [await account(servers.one, 'alice'), await account(servers.two, 'bob')]
  using alice = await encryptingDevice(aliceAccount, { slidingSync })
  using bob = await encryptingDevice(bobAccount, { slidingSync })
  const roomId = await encryptedRoom(alice, bob)

  await t.test('encrypted messages cross in both directions', async () => {
    const hello = await alice.say(roomId, 'Hello Bob')
    assert.equal(await decrypted(bob, roomId, hello), 'Hello Bob')
    const answer = await bob.say(roomId, 'Hello Alice')
    assert.equal(await decrypted(alice, roomId, answer), 'Hello Alice')
  })

  await t.test('it is seen what the other has read, and that the other is typing', async () => {
    const message = await alice.say(roomId, 'Have you read this?')
    await bob.sdk.sendReadReceipt(await bob.event(roomId, message))
    await alice.until(() => (alice.sdk.getRoom(roomId)?.hasUserReadEvent(bob.userId, message) ? true : undefined))
    await bob.sdk.sendTyping(roomId, true, 20_000)
    await alice.until(() => (alice.sdk.getRoom(roomId)?.getMember(bob.userId)?.typing === true ? true : undefined))
  })

  await t.test('what is kept on one device is known on the other', async () => {
    using tablet = await JsClient.logIn(aliceAccount, { slidingSync })
    await tablet.sdk.setAccountData('org.example.colour' as never, { colour: 'green' } as never)
    await tablet.sdk.setRoomTag(roomId, 'm.favourite', { order: 0.5 })
    for (const device of [alice, tablet]) {
      await device.until(() => (device.sdk.getAccountData('org.example.colour' as never) ? true : undefined))
      await device.until(() => (device.sdk.getRoom(roomId)?.tags['m.favourite'] ? true : undefined))
    }
  })

  await t.test('a room that is opened comes with its timeline', async () => {
    const { room_id: long } = await alice.sdk.createRoom({ preset: Preset.PrivateChat, name: 'A long story' })
    const sent: string[] = []
    for (let i = 0; i < 20; i++) sent.push(await alice.say(long, `Part ${i}`))
    const sync = Promise.withResolvers<SlidingSync>()
    using tablet = await JsClient.logIn(aliceAccount, {
      slidingSync: (sdk) => {
        const made = slidingSync(sdk)
        sync.resolve(made)
        return made
      },
    })
    const room = await tablet.until(() => tablet.sdk.getRoom(long) ?? undefined)
    assert.equal(room.name, 'A long story')
    assert.deepEqual(tablet.texts(long), ['Part 19'])
    ;(await sync.promise).modifyRoomSubscriptions(new Set([long]))
    for (const eventId of sent) await tablet.event(long, eventId)
    assert.ok(room.currentState.getStateEvents(EventType.RoomPowerLevels, ''))
  })
})
