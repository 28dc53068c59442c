/** What each connection of a client knows (MSC4186, "Connections"). */
import { RecentCache } from '../../core/recent-cache.ts'
import type { Reader } from '../../rooms/client-events.ts'
import type { Membership } from '../../storage/memberships.ts'
import { unknownPos } from '../../core/errors.ts'
import { encodeToken } from '../../streams/position.ts'
import type { RequiredState } from './required-state.ts'

const MAX_DEVICES = 20_000
/** More of them are not kept for one device: the oldest is given up. */
const MAX_OF_DEVICE = 12
/** How many answers that nobody has acknowledged are kept: the client has one of them. */
const MAX_PENDING = 4

/** What a client was sent of a room. */
export interface SentRoom {
  /** Everything up to this position. */
  readonly upTo: number
  readonly membership: Membership
  /** It has at least so many of the last events, if there are so many. */
  readonly timelineLimit: number
  readonly requiredState: RequiredState
  readonly isDm: boolean
}

/** What an answer tells beside rooms. */
export interface Told {
  /** The position that the answer is as of. */
  readonly position: number
  /** The joined rooms that extensions were told for. */
  readonly scope: ReadonlySet<number>
  /** How many rooms each list has. */
  readonly counts: ReadonlyMap<string, number>
  /** The extensions that were on. */
  readonly extensions: ReadonlySet<string>
}

/** All that a client knows: undefined `told` for nothing. */
export interface Known {
  readonly told: Told | undefined
  readonly rooms: ReadonlyMap<number, SentRoom>
}

interface Pending {
  readonly told: Told
  readonly changes: ReadonlyMap<number, SentRoom>
}

/**
 * One connection: what the client has acknowledged by the `pos` that it last used, and the answers since, of which it may have
 * got any or none.
 */
export class Connection {
  /** A number that no other connection has. */
  readonly number: number
  #pos: string | undefined
  #told: Told | undefined
  readonly #rooms = new Map<number, SentRoom>()
  readonly #pending = new Map<string, Pending>()

  constructor(number: number) {
    this.number = number
  }

  get known(): Known {
    return { told: this.#told, rooms: this.#rooms }
  }

  /** Goes on from the answer that had this `pos`; false where there is none. */
  resume(pos: string): boolean {
    if (pos === this.#pos) return true
    const answer = this.#pending.get(pos)
    if (!answer) return false
    this.#pos = pos
    this.#told = answer.told
    for (const [roomNid, sent] of answer.changes) this.#rooms.set(roomNid, sent)
    this.#pending.clear()
    return true
  }

  /** Notes an answer that was made for a request with the `pos` `from`. */
  answered(from: string | undefined, pos: string, told: Told, changes: ReadonlyMap<number, SentRoom>): void {
    // The client has gone on meanwhile: it does not want this answer any more.
    if (from !== this.#pos) return
    this.#pending.set(pos, { told, changes })
    const [oldest] = this.#pending.keys()
    if (this.#pending.size > MAX_PENDING && oldest !== undefined) this.#pending.delete(oldest)
  }
}

/** The connections of all devices. They are in memory: after a restart, clients start anew, as `M_UNKNOWN_POS` tells them. */
export class Connections {
  readonly #devices = new RecentCache<string, Map<string, Connection>>(MAX_DEVICES)
  #numbers = 0

  /** The connection to go on with. @throws {MatrixError} M_UNKNOWN_POS */
  open(reader: Reader, connId: string, pos: string | undefined): Connection {
    const device = `${reader.userNid} ${reader.deviceNid}`
    const connections = this.#devices.get(device) ?? new Map<string, Connection>()
    this.#devices.set(device, connections)
    if (pos === undefined) return this.#begin(connections, connId)
    const connection = connections.get(connId)
    if (!connection?.resume(pos)) throw unknownPos()
    return connection
  }

  /** The `pos` of an answer as of a position: a token of `/sync`, and what tells it from others as of the same position. */
  posOf(position: number): string {
    return `${encodeToken(position)}_${++this.#numbers}`
  }

  #begin(connections: Map<string, Connection>, connId: string): Connection {
    const connection = new Connection(++this.#numbers)
    connections.delete(connId)
    connections.set(connId, connection)
    const [oldest] = connections.keys()
    if (connections.size > MAX_OF_DEVICE && oldest !== undefined) connections.delete(oldest)
    return connection
  }
}
