/** https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging */
import { isUserId, type ServerName, serverOf } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { invalidParam } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { randomLetters } from '../core/random.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { Devices } from '../storage/devices.ts'
import type { Names } from '../storage/names.ts'
import type { Outbox } from '../storage/outbox.ts'
import type { ToDeviceTable } from '../storage/to-device.ts'
import type { ByDevice } from './remote.ts'

/** If there is a large queue of messages, the server should limit the number sent; 100 is recommended. */
export const MAX_DELIVERED = 100
const DAY_MS = 24 * 60 * 60_000
/** How long a request that is repeated is known. */
const TRANSACTIONS_KEPT_MS = 30 * DAY_MS

export interface ToDeviceParts {
  serverName: ServerName
  db: Database
  names: Names
  devices: Devices
  toDeviceTable: ToDeviceTable
  outbox: Outbox
  clock: Clock
}

interface Delivery {
  readonly userNid: number
  readonly deviceNid: number
  /** JSON text */
  readonly message: string
}

/** Messages to devices: each gets to its device once, in order. */
export class ToDevice {
  readonly #parts: ToDeviceParts
  /** By sender: what one sends stays in order, and a repeated request is known. */
  readonly #queue = new KeyedQueue<string>()
  #prunedAt = 0

  constructor(parts: ToDeviceParts) {
    this.#parts = parts
  }

  /** Sends messages of one type. @param messages by user, and by device or `*` for all: the content */
  async send(requester: Requester, type: string, transactionId: string, messages: ByDevice<JsonObject>): Promise<void> {
    const { userId, deviceNid } = requester
    // No server has such a name.
    const sender = deviceNid === undefined ? userId : `#${deviceNid}`
    await this.#once(sender, `${type}\0${transactionId}`, async () => {
      const byServer = Map.groupBy(Object.entries(messages), ([target]) => serverOf(target))
      const local = await this.#deliveries(userId, type, byServer.get(this.#parts.serverName) ?? [])
      byServer.delete(this.#parts.serverName)
      return { local, remote: [...byServer].map(([server, users]) => [server, eduOf(userId, type, users)] as const) }
    })
  }

  /** Takes in an `m.direct_to_device` of one of the origin's users. Throws M_INVALID_PARAM. */
  async receive(origin: ServerName, content: JsonObject): Promise<void> {
    const sender = stringAt(content, 'sender') ?? ''
    const type = stringAt(content, 'type')
    const messageId = stringAt(content, 'message_id')
    if (!isUserId(sender) || serverOf(sender) !== origin) throw invalidParam('A server speaks for its own users only')
    if (type === undefined || messageId === undefined) throw invalidParam('The message has no type or no ID')
    const users = Object.entries(objectAt(content, 'messages') ?? {}).flatMap(
      ([userId, devices]): [string, Record<string, JsonObject>][] =>
        isJsonObject(devices) && serverOf(userId) === this.#parts.serverName ? [[userId, onlyObjects(devices)]] : [],
    )
    await this.#once(origin, messageId, async () => ({ local: await this.#deliveries(sender, type, users), remote: [] }))
  }

  /** Drops what the client has got: what was sent up to the token `since`. */
  async acknowledge(userNid: number, deviceNid: number, since: number): Promise<void> {
    const { db, toDeviceTable } = this.#parts
    if (!(await toDeviceTable.waitsSince(deviceNid, since))) return
    const cut = await toDeviceTable.cut(deviceNid, since)
    await db.write((batch) => {
      toDeviceTable.remove(batch, deviceNid, cut ?? since)
      toDeviceTable.removeCutsBefore(batch, deviceNid, since)
      if (cut === undefined) return
      // The next answer must not have the token of this one again, or it could not be acknowledged.
      batch.nextPosition()
      batch.touchUser(userNid)
    })
  }

  /**
   * What waits for a device, as JSON texts, `limit` of them at most; the token `upTo` then acknowledges these. `since` is
   * undefined for all that waits.
   */
  async deliver(deviceNid: number, since: number | undefined, upTo: number, limit = MAX_DELIVERED): Promise<string[]> {
    const { db, toDeviceTable } = this.#parts
    if (toDeviceTable.isEmpty(deviceNid)) return []
    const after = since === undefined ? 0 : ((await toDeviceTable.cut(deviceNid, since)) ?? since)
    const atMost = Math.min(limit, MAX_DELIVERED)
    const waiting = await toDeviceTable.waiting(deviceNid, after, upTo, atMost + 1)
    const delivered = waiting.slice(0, atMost)
    const last = delivered.at(-1)
    if (last && waiting.length > atMost) await db.write((batch) => toDeviceTable.addCut(batch, deviceNid, upTo, last.position))
    return delivered.map(({ message }) => message)
  }

  /** Sends what `prepare` tells, in one write, unless that was done before. */
  async #once(
    sender: string,
    transactionId: string,
    prepare: () => Promise<{ local: readonly Delivery[]; remote: readonly (readonly [ServerName, JsonObject])[] }>,
  ): Promise<void> {
    const { db, toDeviceTable, outbox, clock } = this.#parts
    await this.#queue.run(sender, async () => {
      if (await toDeviceTable.isKnown(sender, transactionId)) return
      const { local, remote } = await prepare()
      const now = clock.now()
      await db.write((batch) => {
        toDeviceTable.remember(batch, sender, transactionId, now)
        for (const { message, ...device } of local) toDeviceTable.add(batch, device, message)
        for (const [server, edu] of remote) outbox.enqueueEdu(batch, [server], edu)
        if (now - this.#prunedAt < DAY_MS) return
        this.#prunedAt = now
        toDeviceTable.prune(batch, now - TRANSACTIONS_KEPT_MS)
      })
    })
  }

  /** What is for devices of our users that there are; the rest is dropped. */
  async #deliveries(sender: string, type: string, users: readonly [string, Record<string, JsonObject>][]): Promise<Delivery[]> {
    const deliveries: Delivery[] = []
    for (const [userId, byDevice] of users) {
      const userNid = await this.#parts.names.find(userId)
      const devices = userNid === undefined ? [] : await this.#parts.devices.ofUser(userNid)
      for (const { deviceId, deviceNid, userNid: owner } of devices) {
        const content = Object.hasOwn(byDevice, deviceId) ? byDevice[deviceId] : byDevice['*']
        if (content) deliveries.push({ userNid: owner, deviceNid, message: JSON.stringify({ type, sender, content }) })
      }
    }
    return deliveries
  }
}

function eduOf(sender: string, type: string, users: readonly [string, Record<string, JsonObject>][]): JsonObject {
  const content = { sender, type, message_id: randomLetters(32), messages: Object.fromEntries(users) }
  return { edu_type: 'm.direct_to_device', content }
}

function onlyObjects(devices: JsonObject): Record<string, JsonObject> {
  return Object.fromEntries(
    Object.entries(devices).flatMap(([deviceId, content]) => (isJsonObject(content) ? [[deviceId, content]] : [])),
  )
}
