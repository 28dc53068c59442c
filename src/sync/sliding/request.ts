import type { RoomId } from '../../../schemas/ids.ts'
import type { Reader } from '../../rooms/client-events.ts'
import type { SyncRequest, SyncTurn } from '../request.ts'
import type { RequiredState } from './required-state.ts'

/** What is sent of a room. */
export interface RoomConfig {
  readonly timelineLimit: number
  readonly requiredState: RequiredState
}

/** Which rooms are in a list; what is undefined does not matter. */
export interface RoomFilters {
  readonly isDm?: boolean | undefined
  readonly isEncrypted?: boolean | undefined
  readonly isInvite?: boolean | undefined
  /** Rooms that are children of one of these spaces. */
  readonly spaces?: ReadonlySet<RoomId> | undefined
  /** Null for rooms without a type. */
  readonly roomTypes?: readonly (string | null)[] | undefined
  readonly notRoomTypes?: readonly (string | null)[] | undefined
  readonly tags?: ReadonlySet<string> | undefined
  readonly notTags?: ReadonlySet<string> | undefined
}

/** A sliding window over the rooms that match some filters, the most active first. */
export interface ListRequest {
  readonly config: RoomConfig
  readonly filters: RoomFilters
  /** First and last index; undefined for all rooms. */
  readonly ranges: readonly (readonly [number, number])[] | undefined
}

/** For which rooms an extension is wanted. `*` stands for all. */
export interface RoomExtension {
  readonly lists: ReadonlySet<string>
  readonly rooms: ReadonlySet<string>
}

/** What is told a page at a time: messages to the device, sticky events. */
export interface PagedExtension {
  /** Where to go on; undefined for all that wait. */
  readonly since: number | undefined
  /** At most so many; undefined for as many as the server gives at once. */
  readonly limit: number | undefined
}

/** Profiles of users; `fields` undefined for all. */
export interface ProfilesExtension extends RoomExtension {
  readonly fields: ReadonlySet<string> | undefined
}

export interface Extensions {
  readonly profiles?: ProfilesExtension | undefined
  readonly toDevice?: PagedExtension | undefined
  readonly stickyEvents?: PagedExtension | undefined
  readonly e2ee?: boolean | undefined
  readonly accountData?: RoomExtension | undefined
  readonly receipts?: RoomExtension | undefined
  readonly typing?: RoomExtension | undefined
  /** At most so many changes are told. */
  readonly threadSubscriptions?: { readonly limit: number } | undefined
}

/** What a client asks of sliding sync, read and checked. */
export interface SlidingRequest {
  readonly reader: Reader
  readonly connId: string
  /** Where to go on; undefined for a connection that begins. */
  readonly pos: string | undefined
  readonly timeoutMs: number
  readonly setPresence: SyncRequest['setPresence']
  readonly lists: ReadonlyMap<string, ListRequest>
  readonly subscriptions: ReadonlyMap<RoomId, RoomConfig>
  readonly extensions: Extensions
}

/** One answer in the making: everything in it is as of `upTo`. The filter and the start differ from room to room. */
export type SlidingTurn = Omit<SyncTurn, 'filter' | 'since'>
