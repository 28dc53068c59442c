/**
 * Memberships of our users in rooms that this server is not in: invites that came from outside, knocks, and what ends them.
 * There the event stands alone, an outlier without a place in the room's history.
 */
import type { EventId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { randomLetters } from '../core/random.ts'
import { buildEvent } from '../protocol/event-builder.ts'
import type { Event } from '../protocol/event.ts'
import { referenceHash } from '../protocol/hashes.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { Membership, Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'
import type { Rooms } from '../storage/rooms.ts'
import { Standing } from '../storage/stored-event.ts'
import type { RoomHeads } from './heads.ts'

export interface OutOfBandParts {
  serverName: ServerName
  clock: Clock
  db: Database
  names: Names
  events: Events
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
}

export class OutOfBand {
  readonly #parts: OutOfBandParts

  constructor(parts: OutOfBandParts) {
    this.#parts = parts
  }

  /**
   * Records a member event of one of our users, signed by whoever had to, together with the stripped state that came with
   * it; the room becomes known where it is not. Resolves when the user's clients can see it.
   */
  async record(event: Event, membership: Membership, strippedState: readonly JsonObject[] = []): Promise<void> {
    const { written } = await this.#parts.heads.locked(event.roomId, () => this.#queue(event, membership, strippedState))
    await written
  }

  /** Ends an invite or a knock without the room: no server of it answers, or none lets the user take it back properly. */
  async leaveAlone(origin: Event, userId: UserId, given: JsonObject): Promise<EventId> {
    const { clock, serverName } = this.#parts
    const { eventId, roomId, rules, depth } = origin
    const leave = buildEvent(
      {
        type: 'm.room.member',
        stateKey: userId,
        sender: userId,
        roomId,
        content: { ...given, membership: 'leave' },
        originServerTs: clock.now(),
        depth: depth + 1,
        prevEvents: [eventId],
        authEvents: [eventId],
        chosen:
          rules.eventIdFormat === 'chosen'
            ? {
                eventId: `$${randomLetters(18)}:${serverName}` as EventId,
                referenceHashOf: () => referenceHash(origin.pdu, rules),
              }
            : undefined,
      },
      rules,
    )
    await this.record(leave, 'leave')
    return leave.eventId
  }

  async #queue(event: Event, membership: Membership, strippedState: readonly JsonObject[]): Promise<{ written: Promise<void> }> {
    const { db, names, events, rooms, memberships } = this.#parts
    const userId = event.stateKey as UserId
    const known = await rooms.find(event.roomId)
    const room = known ?? rooms.draw(event.roomId, event.rules)
    const resolved = await names.resolve([...events.namesOf(event), userId])
    const cited = await events.nids([event.eventId, ...event.prevEvents, ...event.authEvents])
    const existing = cited.get(event.eventId)
    const nid = existing ?? events.drawNid()
    const placement = { standing: Standing.outlier, stateBefore: undefined, stateAfter: undefined }
    const written = db.write((batch) => {
      if (!known) rooms.add(batch, room)
      if (existing === undefined) events.append(batch, { nid, room, event, placement, names: resolved, cited })
      const userNid = resolved.nid(batch, userId)
      memberships.set(batch, room.nid, { nid: userNid, userId }, membership, nid)
      if (strippedState.length > 0) memberships.setStrippedState(batch, room.nid, userNid, strippedState)
      else memberships.removeStrippedState(batch, room.nid, userNid)
    }, room.nid)
    return { written }
  }
}
