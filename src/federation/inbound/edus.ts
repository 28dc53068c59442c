/** https://spec.matrix.org/v1.19/server-server-api/#edus */
import { isEventId, isRoomId, isUserId, type RoomId, type ServerName, serverOf, type UserId } from '../../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import { MatrixError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { integerOf } from '../../protocol/strict-json.ts'
import type { Receipts } from '../../rooms/receipts.ts'
import type { Typing } from '../../rooms/typing.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Names } from '../../storage/names.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { RoomAccess } from './access.ts'

/** Takes in the content of one EDU; the users that it names at the top level are the origin's. */
export type EduHandler = (origin: ServerName, content: JsonObject) => Promise<void>

/** By EDU type; what is of another type is dropped. */
export type EduHandlers = Readonly<Record<string, EduHandler>>

/** Where an EDU says on whose behalf it is; it may speak for users of its origin only. */
const USER_KEYS = ['user_id', 'sender'] as const

export class EduReceiver {
  readonly #parts: { handlers: EduHandlers; log: Logger }

  constructor(parts: { handlers: EduHandlers; log: Logger }) {
    this.#parts = parts
  }

  /** Takes in the EDUs of a transaction one after another: to-device messages must stay in order. */
  async receive(origin: ServerName, edus: readonly Json[]): Promise<void> {
    for (const edu of edus) await this.#receiveOne(origin, edu)
  }

  async #receiveOne(origin: ServerName, edu: Json): Promise<void> {
    const { handlers, log } = this.#parts
    const type = isJsonObject(edu) ? stringAt(edu, 'edu_type') : undefined
    const content = isJsonObject(edu) ? objectAt(edu, 'content') : undefined
    if (type === undefined || content === undefined || !Object.hasOwn(handlers, type) || !speaksFor(origin, content)) return
    try {
      await handlers[type]?.(origin, content)
    } catch (cause) {
      // One bad EDU must not fail the transaction; what is our own fault must, so that it is sent again.
      if (!(cause instanceof MatrixError)) throw cause
      log.debug({ origin, type, reason: cause.message }, 'An EDU was refused')
    }
  }
}

function speaksFor(origin: ServerName, content: JsonObject): boolean {
  return USER_KEYS.every((key) => {
    if (!Object.hasOwn(content, key)) return true
    const user = content[key]
    return typeof user === 'string' && isUserId(user) && serverOf(user) === origin
  })
}

export interface RoomEdusParts {
  rooms: Rooms
  names: Names
  memberships: Memberships
  access: RoomAccess
  typing: Pick<Typing, 'receive'>
  receipts: Pick<Receipts, 'receive'>
}

/** Typing notifications and receipts: of users who are in the room, from servers that it lets take part. */
export function roomEdus(parts: RoomEdusParts): EduHandlers {
  return {
    'm.typing': async (origin, content) => {
      const userId = stringAt(content, 'user_id') ?? ''
      const room = isUserId(userId) ? await openRoom(parts, origin, stringAt(content, 'room_id')) : undefined
      if (room && isUserId(userId) && (await isJoined(parts, room, userId)))
        await parts.typing.receive(room, userId, content['typing'] === true)
    },
    'm.receipt': async (origin, content) => {
      for (const [roomId, byType] of Object.entries(content)) {
        const room = await openRoom(parts, origin, roomId)
        // m.read.private is for nobody's eyes but the user's own.
        const read = isJsonObject(byType) ? objectAt(byType, 'm.read') : undefined
        if (room && read) await receiveReceipts(parts, origin, room, read)
      }
    },
  }
}

async function receiveReceipts(parts: RoomEdusParts, origin: ServerName, room: Room, read: JsonObject): Promise<void> {
  for (const [userId, receipt] of Object.entries(read)) {
    if (!isUserId(userId) || serverOf(userId) !== origin || !isJsonObject(receipt)) continue
    if (!(await isJoined(parts, room, userId))) continue
    const data = objectAt(receipt, 'data') ?? {}
    const { event_ids: eventIds } = receipt
    const ts = integerOf(data['ts']) ?? 0
    // There should only ever be one: the latest.
    const eventId = Array.isArray(eventIds) ? eventIds.at(-1) : undefined
    if (typeof eventId === 'string' && isEventId(eventId))
      await parts.receipts.receive(room, { userId, eventId, threadId: stringAt(data, 'thread_id'), ts })
  }
}

async function openRoom({ rooms, access }: RoomEdusParts, origin: ServerName, roomId = ''): Promise<Room | undefined> {
  const room = isRoomId(roomId) ? await rooms.find(roomId satisfies RoomId) : undefined
  return room && (await access.isAllowed(origin, room)) ? room : undefined
}

async function isJoined({ names, memberships }: RoomEdusParts, room: Room, userId: UserId): Promise<boolean> {
  const userNid = await names.find(userId)
  return userNid !== undefined && (await memberships.get(room.nid, userNid))?.membership === 'join'
}
