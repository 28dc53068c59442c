/** Lists of users of a server that is played by the test. https://spec.matrix.org/v1.19/server-server-api/#device-management */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DeviceId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { openStorage } from '../../src/app/storage.ts'
import { badGateway } from '../../src/core/errors.ts'
import { DeviceLists } from '../../src/devices/device-lists.ts'
import { KeyQueries } from '../../src/devices/key-queries.ts'
import { PublishedKeys } from '../../src/devices/published-keys.ts'
import type { RemoteUserDevices } from '../../src/devices/remote.ts'
import { RemoteDeviceLists } from '../../src/devices/remote-lists.ts'
import { SharedRooms } from '../../src/devices/shared-rooms.ts'

const OURS = 'ours.test' as ServerName
const THEIRS = 'theirs.test' as ServerName
const BOB = '@bob:theirs.test' as UserId
const ROOM = 1

const device = (deviceId: string, name?: string) => ({
  device_id: deviceId as DeviceId,
  keys: { user_id: BOB, device_id: deviceId, keys: {} },
  ...(name !== undefined && { device_display_name: name }),
})

/** Our side of a room in which Bob is, and the answers of Bob's server: undefined while it is down. */
async function ourSide() {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const storage = openStorage(join(folder, 'test.db'), 'OFF')
  stack.use(storage.db)
  const theirs: { answer: RemoteUserDevices | undefined; calls: number } = { answer: undefined, calls: 0 }
  const remote = {
    queryKeys: () => Promise.reject(badGateway()),
    claimKeys: () => Promise.reject(badGateway()),
    userDevices: async () => {
      theirs.calls++
      if (!theirs.answer) throw badGateway()
      return theirs.answer
    },
  }
  const common = { ...storage, serverName: OURS, remote, allowNames: false }
  const deviceLists = new DeviceLists(common)
  const sharedRooms = new SharedRooms(common)
  const lists = new RemoteDeviceLists({ ...common, sharedRooms })
  const publishedKeys = new PublishedKeys(common)
  const queries = new KeyQueries({ ...common, sharedRooms, remoteLists: lists, publishedKeys })
  const member = async (userId: UserId, membership: 'join' | 'leave') => {
    const names = await storage.names.resolve([userId])
    await storage.db.write((batch) =>
      storage.memberships.set(batch, ROOM, { nid: names.nid(batch, userId), userId }, membership, 1),
    )
  }
  await member('@alice:ours.test' as UserId, 'join')
  await member(BOB, 'join')
  return {
    theirs,
    lists,
    deviceLists,
    member,
    update: (content: JsonObject) => lists.receiveUpdate(THEIRS, { user_id: BOB, ...content }),
    query: async () => {
      const { device_keys, failures } = await queries.query({ userNid: 0 }, { [BOB]: [] })
      return { devices: Object.keys(device_keys[BOB] ?? {}), failures: Object.keys(failures), keys: device_keys[BOB] }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('a list is asked for once, and kept up to date by updates', async () => {
  await using side = await ourSide()
  side.theirs.answer = { stream_id: 5, devices: [device('A'), device('B', 'name')] }
  assert.deepEqual((await side.query()).devices, ['A', 'B'])
  await side.update({ device_id: 'C', stream_id: 6, prev_id: [5], keys: device('C').keys, device_display_name: 'new' })
  await side.update({ device_id: 'A', stream_id: 7, prev_id: [6], deleted: true })
  const { devices, keys } = await side.query()
  assert.deepEqual(devices, ['B', 'C'])
  assert.deepEqual(keys?.['C']?.['unsigned'], { device_display_name: 'new' })
  assert.equal(side.theirs.calls, 1)
})

test('an update that is sent again changes nothing', async () => {
  await using side = await ourSide()
  side.theirs.answer = { stream_id: 5, devices: [device('A')] }
  await side.query()
  const update = { device_id: 'B', stream_id: 6, prev_id: [5], keys: device('B').keys }
  await side.update(update)
  await side.update({ device_id: 'B', stream_id: 7, prev_id: [6], deleted: true })
  await side.update(update)
  assert.deepEqual((await side.query()).devices, ['A'])
  assert.equal(side.theirs.calls, 1)
})

test('a gap makes us ask for the whole list, also one that is noticed while the server is down', async () => {
  await using side = await ourSide()
  side.theirs.answer = { stream_id: 5, devices: [device('A')] }
  await side.query()
  side.theirs.answer = { stream_id: 8, devices: [device('A'), device('B')] }
  await side.update({ device_id: 'B', stream_id: 8, prev_id: [7], keys: device('B').keys })
  assert.deepEqual([(await side.query()).devices, side.theirs.calls], [['A', 'B'], 2])
  side.theirs.answer = undefined
  await side.update({ device_id: 'C', stream_id: 10, prev_id: [9], keys: device('C').keys })
  const down = await side.query()
  assert.deepEqual([down.devices, down.failures], [['A', 'B'], [THEIRS]])
  side.theirs.answer = { stream_id: 10, devices: [device('C')] }
  await side.lists.resyncStale(THEIRS, AbortSignal.timeout(60_000))
  const calls = side.theirs.calls
  assert.deepEqual([(await side.query()).devices, side.theirs.calls], [['C'], calls])
})

test('a list is not trusted after its owner has been away', async () => {
  await using side = await ourSide()
  side.theirs.answer = { stream_id: 5, devices: [device('A')] }
  await side.query()
  await side.member(BOB, 'leave')
  await side.update({ device_id: 'B', stream_id: 6, prev_id: [5], keys: device('B').keys })
  assert.equal(await side.lists.isKnown(BOB), false)
  await side.member(BOB, 'join')
  side.theirs.answer = { stream_id: 6, devices: [device('A'), device('B')] }
  assert.deepEqual([(await side.query()).devices, side.theirs.calls], [['A', 'B'], 2])
  await side.member(BOB, 'join')
  assert.equal(await side.lists.isKnown(BOB), true)
})

test('a server speaks for its own users only', async () => {
  await using side = await ourSide()
  await side.lists.receiveUpdate('evil.test' as ServerName, { user_id: BOB, device_id: 'A', stream_id: 1 })
  await side.lists.receiveSigningKeys('evil.test' as ServerName, { user_id: BOB, master_key: { user_id: BOB } })
  assert.equal(side.theirs.calls, 0)
  side.theirs.answer = { stream_id: 5, devices: [{ ...device('A'), keys: { user_id: '@other:x', device_id: 'A' } }, device('B')] }
  assert.deepEqual((await side.query()).devices, ['B'])
})
