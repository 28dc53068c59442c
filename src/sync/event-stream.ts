/** How clients followed rooms before `/sync`. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events */
import type { RoomId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import type { Ending } from '../core/ending.ts'
import { parseJson } from '../core/json-text.ts'
import type { ClientEvents, Reader } from '../rooms/client-events.ts'
import type { RoomViews } from '../rooms/room-view.ts'
import { isHeard, type Visibility } from '../rooms/visibility.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { MembershipRecord, Memberships } from '../storage/memberships.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import type { Notifier } from '../streams/notifier.ts'
import type { TypingUsers } from '../streams/typing.ts'
import type { IgnoredUsers } from '../users/ignored-users.ts'
import type { InvitePermissions } from '../users/invite-permissions.ts'
import type { SyncFilters } from './filters.ts'
import type { SyncTurn } from './request.ts'
import { type AccountDataStreamParts, accountDataNews, accountDataText } from './streams/account-data.ts'
import type { ReceiptStream } from './streams/receipts.ts'
import { typingNews } from './streams/typing.ts'

const MAX_LIMIT = 1_000

export interface EventStreamParts extends AccountDataStreamParts {
  db: Database
  clock: Clock
  rooms: Rooms
  events: Events
  timelines: Timelines
  memberships: Memberships
  notifier: Notifier
  roomViews: RoomViews
  visibility: Visibility
  clientEvents: ClientEvents
  typing: TypingUsers
  receipts: ReceiptStream
  ignoredUsers: IgnoredUsers
  invitePermissions: Pick<InvitePermissions, 'hides'>
  filters: SyncFilters
  presence: PresenceNews
}

/** The presence of those whom a reader shares rooms with. */
export interface PresenceNews {
  /** The reader is there, and will ask again. */
  begin(request: { reader: Reader; setPresence: 'online'; timeoutMs: number }): Promise<void>
  /** `m.presence` events that have changed in the turn's range, or all where it has no start, as the members of a JSON array. */
  news(turn: SyncTurn): Promise<string>
  /** As `news`, of the members of one room, whoever asks. */
  inRoom(turn: SyncTurn, roomNid: number): Promise<string>
}

/** What a client asks of `/events`. */
export interface EventsRequest {
  readonly reader: Reader
  /** The position to go on from; now where there is none. */
  readonly from: number | undefined
  readonly timeoutMs: number
  readonly limit: number | undefined
  /** One room only, which the reader may look into without being in it. */
  readonly roomId: RoomId | undefined
}

/** What has happened with `start < position <= end`; each entry is the JSON text of an event. */
export interface EventsAnswer {
  readonly start: number
  readonly end: number
  readonly texts: readonly string[]
}

/** A piece of a room's timeline that the reader may get events of. */
interface Stretch {
  readonly roomNid: number
  readonly upTo: number
}

interface Found {
  readonly position: number
  readonly nid: number
  /** The reader's own invite or knock, which they see from outside of the room. */
  readonly isOwn?: boolean
}

/** Events one after another, of all rooms of a user or of one room. */
export class EventStream {
  readonly #parts: EventStreamParts

  constructor(parts: EventStreamParts) {
    this.#parts = parts
  }

  /** Answers with what is new, or as soon as there is something, or after the timeout with nothing. Throws M_FORBIDDEN. */
  async next(request: EventsRequest, ending: Ending): Promise<EventsAnswer> {
    const { db, clock, notifier } = this.#parts
    const deadline = clock.now() + request.timeoutMs
    const start = Math.min(request.from ?? db.position, db.position)
    const follower = await notifier.follow(request.reader.userNid)
    await this.#parts.presence.begin({ reader: request.reader, setPresence: 'online', timeoutMs: request.timeoutMs })
    for (;;) {
      const upTo = db.position
      const answer = await this.#answer(request, start, upTo)
      const left = deadline - clock.now()
      if (answer.texts.length > 0 || left <= 0 || ending.isOver) return answer
      if (request.roomId === undefined) await notifier.wait(follower, upTo, left, ending)
      else await notifier.waitForAny(upTo, left, ending)
    }
  }

  async #answer(request: EventsRequest, start: number, upTo: number): Promise<EventsAnswer> {
    const { events, visibility, clientEvents } = this.#parts
    const { reader } = request
    const limit = Math.min(request.limit ?? MAX_LIMIT, MAX_LIMIT)
    const ignored = await this.#parts.ignoredUsers.of(reader.userNid)
    const { found, end } = await this.#timelines(request, start, upTo, limit)
    const stored = await events.byNids(found.map(({ nid }) => nid))
    const own = new Set(found.flatMap(({ nid, isOwn }) => (isOwn ? [nid] : [])))
    const visible = new Set(await visibility.visible([...stored.values()], reader))
    const seen = [...stored.values()].filter((event) =>
      own.has(event.nid) ? !ignored.has(event.sender) : visible.has(event) && isHeard(event, ignored),
    )
    const texts = await oldTexts(clientEvents, seen, reader)
    return { start, end, texts: [...texts, ...(await this.#others(request, start, end, ignored))] }
  }

  /** The first `limit` entries of all timelines together, in order, and where they end. */
  async #timelines(
    request: EventsRequest,
    start: number,
    upTo: number,
    limit: number,
  ): Promise<{ found: readonly Found[]; end: number }> {
    const found: Found[] = []
    for (const { roomNid, upTo: last } of await this.#stretches(request, start, upTo))
      found.push(...(await this.#parts.timelines.forwards(roomNid, start, last, limit + 1)))
    if (request.roomId === undefined) found.push(...(await this.#invites(request.reader, start, upTo)))
    found.sort((a, b) => a.position - b.position)
    if (found.length <= limit) return { found, end: upTo }
    const page = found.slice(0, limit)
    return { found: page, end: page.at(-1)?.position ?? upTo }
  }

  async #stretches({ reader, roomId }: EventsRequest, start: number, upTo: number): Promise<Stretch[]> {
    const { memberships, notifier, roomViews } = this.#parts
    if (roomId !== undefined) {
      const view = await roomViews.of(reader, roomId)
      return [{ roomNid: view.room.nid, upTo: Math.min(view.upTo, upTo) }]
    }
    const stretches: Stretch[] = []
    for (const { roomNid, membership, position } of (await memberships.ofUser(reader.userNid)).values()) {
      if (membership === 'join' && notifier.mayRoomHaveChanged(roomNid, start)) stretches.push({ roomNid, upTo })
      if ((membership === 'leave' || membership === 'ban') && position > start) stretches.push({ roomNid, upTo: position })
    }
    return stretches
  }

  /** Where the reader was invited to, or has knocked. */
  async #invites({ userNid }: Reader, start: number, upTo: number): Promise<Found[]> {
    const isNew = ({ membership, position }: MembershipRecord) =>
      (membership === 'invite' || membership === 'knock') && position > start && position <= upTo
    const { memberships, ignoredUsers, invitePermissions, events } = this.#parts
    const ignored = await ignoredUsers.of(userNid)
    const found: Found[] = []
    for (const { membership, position, eventNid } of [...(await memberships.ofUser(userNid)).values()].filter(isNew)) {
      const { sender } = await events.get(eventNid)
      if (membership === 'invite' && (await invitePermissions.hides(userNid, sender, ignored))) continue
      found.push({ position, nid: eventNid, isOwn: true })
    }
    return found
  }

  /** What is no event of a room: typing, receipts, presence, account data. */
  async #others({ reader, roomId }: EventsRequest, start: number, end: number, ignored: ReadonlySet<string>): Promise<string[]> {
    if (end <= start) return []
    const turn = await this.turnOf(reader, start, end, ignored)
    const texts: string[] = []
    for (const { roomNid } of await this.#stretches({ reader, roomId, from: start, timeoutMs: 0, limit: 0 }, start, end))
      texts.push(
        ...(await this.#ephemeral(turn, roomNid)),
        ...(roomId ? membersOf(await this.#parts.presence.inRoom(turn, roomNid)) : []),
      )
    if (roomId !== undefined) return texts
    const accountData = await accountDataNews(this.#parts, turn)
    for (const [roomNid, entries] of accountData.byRoom)
      texts.push(...(await this.#inRoom(roomNid, accountDataText(entries, turn.filter.roomAccountData))))
    texts.push(...membersOf(accountData.global), ...membersOf(await this.#parts.presence.news(turn)))
    return texts
  }

  async #ephemeral(turn: SyncTurn, roomNid: number): Promise<string[]> {
    const { typing, receipts } = this.#parts
    const typed = typingNews(typing, turn, roomNid, false)
    const read = await receipts.news(turn, roomNid, false)
    return [...(typed.isNews ? await this.#inRoom(roomNid, typed.text) : []), ...(await this.#inRoom(roomNid, read.text))]
  }

  /** Events that say which room they are of. `text` holds the members of a JSON array. */
  async #inRoom(roomNid: number, text: string): Promise<string[]> {
    if (text === '') return []
    const { roomId } = await this.#parts.rooms.get(roomNid)
    return objectsOf(text).map((event) => JSON.stringify({ ...event, room_id: roomId }))
  }

  /** A turn as the streams of `/sync` take it, without a filter. */
  async turnOf(reader: Reader, since: number | undefined, upTo: number, ignored: ReadonlySet<string>): Promise<SyncTurn> {
    const filter = await this.#parts.filters.resolve(reader.userNid)
    const constants = { fullState: false, stateMember: 'state', timeoutMs: 0, setPresence: 'offline' } as const
    return { reader, filter, since, upTo, ignored, ...constants }
  }
}

/** Events in the form of these endpoints: they name their sender as `user_id` too. */
export async function oldTexts(clientEvents: ClientEvents, events: readonly StoredEvent[], reader: Reader): Promise<string[]> {
  const texts = await clientEvents.texts(events, reader, { withRoomId: true })
  return texts.map((text, index) => `${text.slice(0, -1)},"user_id":${JSON.stringify(events[index]?.sender)}}`)
}

function objectsOf(text: string): JsonObject[] {
  return parseJson(`[${text}]`) as JsonObject[]
}

function membersOf(text: string): string[] {
  return text === '' ? [] : objectsOf(text).map((event) => JSON.stringify(event))
}
