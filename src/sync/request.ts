import type { Reader } from '../rooms/client-events.ts'
import type { SyncFilter } from './filter.ts'

/** The member of a room's section that carries its state: what the client asked for decides (MSC4222). */
export type StateMember = 'state' | 'state_after' | 'org.matrix.msc4222.state_after'

/** What a client asks of `/sync`, read and checked. */
export interface SyncRequest {
  readonly reader: Reader
  readonly filter: SyncFilter
  /** Where to go on; undefined for an initial sync. */
  readonly since: number | undefined
  readonly fullState: boolean
  readonly stateMember: StateMember
  /** How long to wait for something new, in milliseconds. */
  readonly timeoutMs: number
  readonly setPresence: 'online' | 'offline' | 'unavailable'
}

/** One answer in the making: everything in it is as of `upTo`. */
export interface SyncTurn extends SyncRequest {
  /** The position that the answer's token stands for. */
  readonly upTo: number
  readonly ignored: ReadonlySet<string>
  /** Where members are loaded lazily and profiles are asked for (MSC4429): the users whose memberships the answer tells. */
  readonly met?: Set<string> | undefined
}
