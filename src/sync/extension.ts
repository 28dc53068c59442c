import type { MembershipRecord } from '../storage/memberships.ts'
import type { SyncRequest, SyncTurn } from './request.ts'

/** The rooms of a turn, by what they are to the reader. */
export interface TurnRooms {
  /** Joined rooms in which something may have changed; all of them in an initial sync. */
  readonly joined: readonly MembershipRecord[]
  readonly invited: readonly MembershipRecord[]
  readonly knocked: readonly MembershipRecord[]
  /** Rooms that the reader has left, or was banned from, since the last answer. */
  readonly left: readonly MembershipRecord[]
}

/** A top-level member of the answer. */
export interface SyncPart {
  readonly name:
    | 'presence'
    | 'to_device'
    | 'device_lists'
    | 'device_one_time_keys_count'
    | 'device_unused_fallback_key_types'
    | `org.${string}`
  /** JSON text. */
  readonly text: string
  /** Worth an answer by itself: a waiting request is not held back any longer. */
  readonly isNews: boolean
}

/**
 * What other parts of the server add to `/sync`: presence, messages to devices, device lists, key counts.
 * Whatever they have to say draws a position and touches the user in its batch, so that those who wait are woken.
 */
export interface SyncExtension {
  /** Hears of every request before anything is read for it: what was sent up to `since` has arrived. */
  begin?(request: SyncRequest): Promise<void>
  /** The parts with what has changed with `since < position <= upTo`; a part without news may be left out. */
  parts(turn: SyncTurn, rooms: TurnRooms): Promise<readonly SyncPart[]>
}
