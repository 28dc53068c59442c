/** Sticky events, MSC4354. https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
import { serverOf, type ServerName } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { stickyUntil } from '../protocol/sticky.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Outbox } from '../storage/outbox.ts'
import type { Room } from '../storage/rooms.ts'
import type { StickyEventsTable } from '../storage/sticky-events.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import { allowedIn } from './allowed.ts'
import type { RoomHeads } from './heads.ts'
import type { MemberChange } from './member-changes.ts'
import type { RoomStates } from './state.ts'

export interface StickyEventsParts {
  serverName: ServerName
  clock: Clock
  db: Database
  events: Events
  heads: RoomHeads
  states: RoomStates
  memberships: Memberships
  outbox: Outbox
  stickyEventsTable: StickyEventsTable
}

/** What comes of changes of members in a room with sticky events. */
export interface StickyConsequences {
  readonly newServers: readonly ServerName[]
  /** Nids of the sticky events of our own users. */
  readonly own: readonly number[]
}

/** Keeps what is sticky in rooms, and has it told to those who come later. */
export class StickyEvents {
  readonly #parts: StickyEventsParts

  constructor(parts: StickyEventsParts) {
    this.#parts = parts
  }

  /** Notes an event that is kept, where it is sticky. @param isHeldBack it is soft-failed: clients are not told of it for now */
  note(batch: Batch, stored: StoredEvent, isHeldBack: boolean): void {
    const { nid, senderNid, stickyMs, head, room } = stored
    if (stickyMs === undefined) return
    const now = this.#parts.clock.now()
    const expiresTs = stickyUntil(stickyMs, head.originServerTs, now)
    if (expiresTs <= now) return
    const size = head.contentText.length
    const position = isHeldBack ? undefined : batch.nextPosition()
    this.#parts.stickyEventsTable.add(batch, { nid, roomNid: room.nid, senderNid, position, expiresTs, size }, now)
  }

  /** What is to be done when these changes of members come about; undefined in rooms without sticky events. */
  async consequences(room: Room, changes: readonly MemberChange[]): Promise<StickyConsequences | undefined> {
    const { stickyEventsTable, clock, memberships, serverName } = this.#parts
    const now = clock.now()
    const joins = changes.filter(({ event }) => event && stringAt(event.content, 'membership') === 'join')
    if (joins.length === 0 || !stickyEventsTable.mayHave(room.nid, now)) return undefined
    const { servers } = await memberships.members(room.nid)
    const joining = new Set(joins.map(({ userId }) => serverOf(userId)))
    const newServers = servers.has(serverName) ? [...joining].filter((server) => !servers.has(server)) : []
    return { newServers, own: newServers.length === 0 ? [] : await this.#own(room, now) }
  }

  /** Servers that are new in the room are sent what our users want them to know; what was soft-failed may be allowed now. */
  apply(batch: Batch, room: Room, { newServers, own }: StickyConsequences, userNids: readonly number[]): void {
    for (const nid of own) this.#parts.outbox.enqueue(batch, newServers, nid)
    batch.onSettled((committed) => {
      // Where that fails the events stay as they are; what ails the database shows elsewhere.
      if (committed) this.#checkAgain(room, userNids).catch(() => {})
    })
  }

  async #own(room: Room, now: number): Promise<number[]> {
    const { stickyEventsTable, events, serverName } = this.#parts
    const sticky = await events.byNids(await stickyEventsTable.ofRoom(room.nid, now))
    return [...sticky.values()]
      .filter(({ sender, redacted }) => serverOf(sender) === serverName && !redacted)
      .map(({ nid }) => nid)
  }

  /** Soft failure is decided again for the sticky events of users whose membership has changed. */
  async #checkAgain(room: Room, userNids: readonly number[]): Promise<void> {
    const { stickyEventsTable, clock, events } = this.#parts
    for (const userNid of userNids) {
      for (const nid of await stickyEventsTable.heldBack(room.nid, userNid, clock.now()))
        await this.#releaseIfAllowed(room, nid, await events.pdu(nid))
    }
  }

  async #releaseIfAllowed(room: Room, nid: number, event: Parameters<typeof allowedIn>[2]): Promise<void> {
    const { db, heads, states, stickyEventsTable } = this.#parts
    const written = await heads.locked(room.roomId, async () => {
      const { allowed } = await allowedIn(states, (await heads.get(room)).stateRoot, event)
      return { done: allowed ? db.write((batch) => stickyEventsTable.release(batch, room.nid, nid)) : Promise.resolve() }
    })
    await written.done
  }
}
