import type { EventId, RoomId, ServerName } from '../../schemas/ids.ts'
import type { Event } from '../protocol/event.ts'
import type { RoomRules } from '../protocol/room-versions.ts'

/** The room that is asked about, as far as its events must be understood. */
export interface RoomReference {
  readonly roomId: RoomId
  readonly rules: RoomRules
}

/**
 * What rooms ask other servers about the past of a room; `federation` implements it.
 * Events in the answers are of that room and of the right form, and their signatures and hashes have been checked (an event
 * with a wrong content hash comes redacted, a restricted join that nobody authorised says so); what did not pass is left
 * out. A server that does not answer, or not properly, or not before the signal aborts, gives undefined.
 */
export interface RemoteHistory {
  /** Events between `earliest` and `latest`, neither included. */
  missingEvents(
    server: ServerName,
    room: RoomReference,
    range: { earliest: readonly EventId[]; latest: readonly EventId[]; limit: number; minDepth: number },
    signal?: AbortSignal,
  ): Promise<Event[] | undefined>
  /** The ids of the state before an event, and of its auth chain. */
  stateIds(
    server: ServerName,
    room: RoomReference,
    eventId: EventId,
    signal?: AbortSignal,
  ): Promise<{ state: EventId[]; authChain: EventId[] } | undefined>
  /** Single events; those that the server does not give are left out. */
  events(server: ServerName, room: RoomReference, eventIds: readonly EventId[], signal?: AbortSignal): Promise<Event[]>
  /** The auth chain of an event. */
  authChain(server: ServerName, room: RoomReference, eventId: EventId, signal?: AbortSignal): Promise<Event[] | undefined>
  /** Up to `limit` events from before and with the given ones, the newest first. */
  backfill(server: ServerName, room: RoomReference, from: readonly EventId[], limit: number): Promise<Event[] | undefined>
}
