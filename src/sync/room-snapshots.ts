/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3initialsync */
import type { RoomId } from '../../schemas/ids.ts'
import type { EventId } from '../../schemas/ids.ts'
import { MatrixError } from '../core/errors.ts'
import { noSuchEvent } from '../rooms/policy.ts'
import type { Events } from '../storage/events.ts'
import type { ClientEvents, Reader } from '../rooms/client-events.ts'
import type { History } from '../rooms/history.ts'
import type { RoomViews } from '../rooms/room-view.ts'
import type { RoomStates } from '../rooms/state.ts'
import { type AccountDataTable, GLOBAL } from '../storage/account-data.ts'
import type { Database } from '../storage/database.ts'
import type { MembershipRecord, Memberships } from '../storage/memberships.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import { encodeToken } from '../streams/position.ts'
import type { IgnoredUsers } from '../users/ignored-users.ts'
import type { InvitePermissions } from '../users/invite-permissions.ts'
import { type EventStream, oldTexts, type PresenceNews } from './event-stream.ts'
import { accountDataText } from './streams/account-data.ts'
import type { ReceiptStream } from './streams/receipts.ts'

const DEFAULT_MESSAGES = 20
const MAX_MESSAGES = 100
const EVERYTHING = { passes: () => true }

export interface RoomSnapshotsParts {
  accountData: AccountDataTable
  db: Database
  events: Events
  rooms: Rooms
  memberships: Memberships
  states: RoomStates
  history: History
  roomViews: RoomViews
  clientEvents: ClientEvents
  receipts: ReceiptStream
  ignoredUsers: IgnoredUsers
  invitePermissions: Pick<InvitePermissions, 'hides'>
  eventStream: EventStream
  presence: PresenceNews
}

/** Rooms as they are now, whole: what clients started from before `/sync`. All answers are pieces of JSON text. */
export class RoomSnapshots {
  readonly #parts: RoomSnapshotsParts

  constructor(parts: RoomSnapshotsParts) {
    this.#parts = parts
  }

  /** All rooms of a user, with those that they have left where `archived` is set. */
  async all(reader: Reader, messages: number | undefined, archived: boolean): Promise<string> {
    const { db, memberships, presence } = this.#parts
    await presence.begin({ reader, setPresence: 'online', timeoutMs: 0 })
    const turn = await this.#turn(reader)
    const accountData = await this.#parts.accountData.ofRoom(reader.userNid, GLOBAL)
    const rooms: string[] = []
    const receipts: string[] = []
    for (const record of (await memberships.ofUser(reader.userNid)).values()) {
      const room = await this.#ofRecord(reader, record, messages, archived, turn.ignored)
      if (room !== undefined) rooms.push(room)
      if (record.membership === 'join') receipts.push(await this.#receipts(reader, record.roomNid))
    }
    const read = receipts.filter((text) => text !== '').join(',')
    return `{"end":"${encodeToken(db.position)}","presence":[${await presence.news(turn)}],"rooms":[${rooms.join(',')}],"account_data":[${accountDataText(accountData, turn.filter.accountData)}],"receipts":[${read}]}`
  }

  /** One room, for members, past members, and anybody where it is world-readable. Throws M_FORBIDDEN. */
  async one(reader: Reader, roomId: RoomId, messages: number | undefined): Promise<string> {
    const { memberships, presence, roomViews } = this.#parts
    const { room } = await roomViews.of(reader, roomId)
    const membership = (await memberships.get(room.nid, reader.userNid))?.membership
    // Who has left sees the room as it was then.
    const isPast = membership === 'leave' || membership === 'ban'
    const present = isPast ? '' : await presence.inRoom(await this.#turn(reader), room.nid)
    const receipts = isPast ? '' : await this.#receipts(reader, room.nid)
    const members = await this.#members(reader, roomId, messages)
    return `{${[...members, `"presence":[${present}]`, `"receipts":[${receipts}]`].join(',')}}`
  }

  /** One event, whichever room it is in. Throws M_NOT_FOUND. */
  async event(reader: Reader, eventId: EventId): Promise<string> {
    const { events, history, clientEvents } = this.#parts
    const known = await events.byId(eventId)
    if (!known) throw noSuchEvent(eventId)
    const event = await history.event(reader, known.room.roomId, eventId)
    return clientEvents.text(event, reader, { withRoomId: true })
  }

  async #ofRecord(
    reader: Reader,
    record: MembershipRecord,
    messages: number | undefined,
    archived: boolean,
    ignored: ReadonlySet<string>,
  ): Promise<string | undefined> {
    const { membership, roomNid, forgotten } = record
    const { roomId } = await this.#parts.rooms.get(roomNid)
    if (membership === 'invite' || membership === 'knock') return this.#invited(reader, roomId, record, ignored)
    if (membership !== 'join' && (!archived || forgotten)) return undefined
    try {
      return `{${(await this.#members(reader, roomId, messages)).join(',')}}`
    } catch (cause) {
      // A refused invite leaves nothing to look at.
      if (cause instanceof MatrixError && membership !== 'join') return undefined
      throw cause
    }
  }

  async #invited(
    reader: Reader,
    roomId: RoomId,
    { membership, eventNid }: MembershipRecord,
    ignored: ReadonlySet<string>,
  ): Promise<string | undefined> {
    const { events, clientEvents, invitePermissions } = this.#parts
    const event = await events.get(eventNid)
    if (membership === 'invite' && (await invitePermissions.hides(reader.userNid, event.sender, ignored))) return undefined
    const text = await clientEvents.text(event, reader, { withRoomId: true })
    return `{"room_id":${JSON.stringify(roomId)},"membership":"${membership}","inviter":${JSON.stringify(event.sender)},"invite":${text}}`
  }

  async #members(reader: Reader, roomId: RoomId, messages = DEFAULT_MESSAGES): Promise<string[]> {
    const { accountData, clientEvents, history, memberships, rooms, roomViews, states } = this.#parts
    const view = await roomViews.of(reader, roomId)
    const page = await history.page(reader, roomId, {
      direction: 'b',
      from: view.upTo,
      limit: Math.min(messages, MAX_MESSAGES),
      choice: EVERYTHING,
    })
    const text = async (events: readonly StoredEvent[]) => (await oldTexts(clientEvents, events, reader)).join(',')
    const record = await memberships.get(view.room.nid, reader.userNid)
    const { roomAccountData } = (await this.#turn(reader)).filter
    const start = encodeToken(page.end ?? page.start)
    return [
      `"room_id":${JSON.stringify(roomId)}`,
      ...(record ? [`"membership":"${record.membership}"`] : []),
      `"visibility":"${(await rooms.isPublished(view.room.nid)) ? 'public' : 'private'}"`,
      `"messages":{"start":"${start}","end":"${encodeToken(page.start)}","chunk":[${await text(page.events.toReversed())}]}`,
      `"state":[${await text(await states.all(view.stateRoot))}]`,
      `"account_data":[${accountDataText(await accountData.ofRoom(reader.userNid, view.room.nid), roomAccountData)}]`,
    ]
  }

  async #receipts(reader: Reader, roomNid: number): Promise<string> {
    const { receipts, rooms } = this.#parts
    const { text } = await receipts.news(await this.#turn(reader), roomNid, true)
    if (text === '') return ''
    return text.replaceAll(
      '{"type":"m.receipt"',
      `{"room_id":${JSON.stringify((await rooms.get(roomNid)).roomId)},"type":"m.receipt"`,
    )
  }

  async #turn(reader: Reader) {
    const { db, eventStream, ignoredUsers } = this.#parts
    return eventStream.turnOf(reader, undefined, db.position, await ignoredUsers.of(reader.userNid))
  }
}
