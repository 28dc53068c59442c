/** The port through which rooms reach other servers. `src/federation` implements it; `app.ts` joins the two. */
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Event } from '../protocol/event.ts'
import type { Room } from '../storage/rooms.ts'

/** A membership that one of our users wants in a room, where other servers have to help. */
export interface RemoteMembership {
  readonly roomId: RoomId
  readonly userId: UserId
  /** Servers to ask, in this order until one of them can; never our own. */
  readonly via: readonly ServerName[]
  /** For the content of the member event, beside `membership`: `displayname`, `avatar_url`, `reason`, `third_party_invite`. */
  readonly content: JsonObject
}

/** What a server in the room gave back for a knock. */
export interface Knocked {
  readonly event: Event
  /** `knock_room_state`, as clients get it: objects with `type`, `state_key`, `sender` and `content`. */
  readonly strippedState: readonly JsonObject[]
}

export interface AliasTarget {
  readonly roomId: RoomId
  /** Servers that are in the room. */
  readonly servers: readonly ServerName[]
}

/** A page of the list of published rooms, as the client asks for it. */
export interface PublicRoomsQuery {
  readonly limit?: number
  readonly since?: string
  readonly filter?: JsonObject
  readonly includeAllNetworks?: boolean
  readonly thirdPartyInstanceId?: string
}

export interface FoundEvent {
  readonly eventId: EventId
  /** Milliseconds since the Unix epoch. */
  readonly originServerTs: number
}

/**
 * What other servers do for rooms.
 *
 * Where the servers asked refuse, methods throw the MatrixError to answer the client with: what the last of them said
 * (M_FORBIDDEN, M_NOT_FOUND, M_UNABLE_TO_AUTHORISE_JOIN, M_INCOMPATIBLE_ROOM_VERSION, ...), or `badGateway` where none of
 * them could be reached. They take no lock that their callers hold.
 */
export interface RemoteRooms {
  /**
   * make_join and send_join. Keeps the room, its state and the join event, and resolves when they are durable and visible.
   * We may be in the room already: then the join is one that none of our users may authorise.
   */
  join(membership: RemoteMembership): Promise<void>

  /** make_knock and send_knock. Keeps nothing: the caller records the membership (out-of-band.ts). */
  knock(membership: RemoteMembership): Promise<Knocked>

  /**
   * make_leave and send_leave, for an invite or knock of a room that we are not in. Keeps nothing: the caller records the
   * membership.
   */
  leave(membership: RemoteMembership): Promise<Event>

  /**
   * Offers an invite of a user of another server to that server.
   * @param event built and authorised by us; not signed yet
   * @param stateRoot the state before it: that of `invite_room_state`
   * @returns the event as both servers have signed it. The caller adds it to the room.
   */
  invite(room: Room, event: Event, stateRoot: number): Promise<Event>

  /** The room of an alias of another server; undefined where that server does not know it. */
  resolveAlias(alias: RoomAlias): Promise<AliasTarget | undefined>

  /** A page of another server's list of published rooms, in the form in which clients get it. */
  publicRooms(server: ServerName, query: PublicRoomsQuery): Promise<JsonObject>

  /**
   * Fills in history of a room before all that we have, where gaps are noted (`Timelines.missing`): about `limit` events. With
   * `edge`, those of the gap before that position (`Timelines.edge`).
   * @returns false where nothing more was to be had: the gaps are closed, or nobody who could close them answers
   */
  backfill(room: Room, limit: number, edge?: number): Promise<boolean>

  /**
   * Asks servers of the room for the event closest to a timestamp (milliseconds since the Unix epoch), forwards or
   * backwards from it; undefined where they know none.
   */
  eventNear(room: Room, timestamp: number, direction: 'f' | 'b'): Promise<FoundEvent | undefined>
}
