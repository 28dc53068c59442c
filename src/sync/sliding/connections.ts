/** What each connection of a client knows (MSC4186, "Connections"). */
import { OwnedCache, type OwnedCacheLimits } from '../../core/owned-cache.ts'
import { Tally } from '../../core/tally.ts'
import type { Reader } from '../../rooms/client-events.ts'
import type { Membership } from '../../storage/memberships.ts'
import { unknownPos } from '../../core/errors.ts'
import { encodeToken } from '../../streams/position.ts'
import type { RequiredState } from './required-state.ts'

/** In rooms that something is known of, each some 100 bytes: what a user with six clients in 4,000 rooms needs, and 300 MB. */
const LIMITS: OwnedCacheLimits = { ofOwner: 250_000, all: 3_000_000 }
/** What a connection without rooms weighs. */
const OWN_WEIGHT = 20
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
  /** The fields of profiles that were asked for. */
  readonly profileFields: ReadonlySet<string> | 'all' | undefined
}

/** Which connection a request goes on with, and from where. */
export interface ConnectionRequest {
  readonly reader: Reader
  readonly connId: string
  readonly pos: string | undefined
}

/** All that a client knows: undefined `told` for nothing. */
export interface Known {
  readonly told: Told | undefined
  readonly rooms: ReadonlyMap<number, SentRoom>
}

/** An answer, as far as the client knows of it once it has it. */
export interface Answered {
  readonly told: Told
  /** What it says of rooms. */
  readonly changes: ReadonlyMap<number, SentRoom>
}

interface Pending extends Answered {
  readonly weight: number
}

/** The names of fields take up to 255 characters each. */
const FIELD_WEIGHT = 5

const weightOf = ({ scope, counts, profileFields = 'all' }: Told): number =>
  OWN_WEIGHT + scope.size + counts.size + (profileFields === 'all' ? 0 : profileFields.size * FIELD_WEIGHT)

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
  /** In how many rooms each is known. */
  readonly #states = new Tally<RequiredState>()
  #statesWeight = 0
  readonly #pending = new Map<string, Pending>()

  constructor(number: number) {
    this.number = number
  }

  get known(): Known {
    return { told: this.#told, rooms: this.#rooms }
  }

  /** How much it keeps, in rooms. */
  get weight(): number {
    let weight = OWN_WEIGHT + this.#rooms.size + this.#statesWeight + (this.#told ? weightOf(this.#told) : 0)
    for (const pending of this.#pending.values()) weight += pending.weight
    return weight
  }

  /** Goes on from the answer that had this `pos`; false where there is none. */
  resume(pos: string): boolean {
    if (pos === this.#pos) return true
    const answer = this.#pending.get(pos)
    if (!answer) return false
    this.#pos = pos
    this.#told = answer.told
    for (const [roomNid, sent] of answer.changes) this.#note(roomNid, sent)
    this.#pending.clear()
    return true
  }

  /** Notes an answer that was made for a request with the `pos` `from`. */
  answered(from: string | undefined, pos: string, answer: Answered): void {
    // The client has gone on meanwhile: it does not want this answer any more.
    if (from !== this.#pos) return
    const states = new Set(answer.changes.values().map(({ requiredState }) => requiredState))
    let weight = weightOf(answer.told) + answer.changes.size
    for (const state of states) weight += state.weight
    this.#pending.set(pos, { ...answer, weight })
    const [oldest] = this.#pending.keys()
    if (this.#pending.size > MAX_PENDING && oldest !== undefined) this.#pending.delete(oldest)
  }

  #note(roomNid: number, sent: SentRoom): void {
    const before = this.#rooms.get(roomNid)?.requiredState
    this.#rooms.set(roomNid, sent)
    if (before === sent.requiredState) return
    if (this.#states.of(sent.requiredState) === 0) this.#statesWeight += sent.requiredState.weight
    this.#states.add(sent.requiredState)
    if (!before) return
    this.#states.remove(before)
    if (this.#states.of(before) === 0) this.#statesWeight -= before.weight
  }
}

/**
 * The connections of all devices. They are in memory: after a restart, or when they have become too many, clients start anew, as
 * `M_UNKNOWN_POS` tells them.
 */
export class Connections {
  readonly #known: OwnedCache<Connection>
  #numbers = 0

  constructor(limits = LIMITS) {
    this.#known = new OwnedCache(limits)
  }

  /** The connection to go on with. @throws {MatrixError} M_UNKNOWN_POS */
  open(reader: Reader, connId: string, pos: string | undefined): Connection {
    if (pos === undefined) return this.#begin(reader, connId)
    const connection = this.#known.get(reader.userNid, keyOf(reader, connId))
    if (!connection?.resume(pos)) throw unknownPos()
    return connection
  }

  /** Notes an answer. @param from the `pos` of the request @returns the `pos` of the answer */
  answered({ reader, connId, pos: from }: ConnectionRequest, connection: Connection, answer: Answered): string {
    // A token of `/sync`, and what tells it from others as of the same position.
    const pos = `${encodeToken(answer.told.position)}_${++this.#numbers}`
    connection.answered(from, pos, answer)
    this.#known.weigh(reader.userNid, keyOf(reader, connId), connection, connection.weight)
    return pos
  }

  #begin(reader: Reader, connId: string): Connection {
    const { userNid } = reader
    const connection = new Connection(++this.#numbers)
    this.#known.set(userNid, keyOf(reader, connId), connection, connection.weight)
    const prefix = keyOf(reader, '')
    const ofDevice = [...this.#known.keys(userNid)].filter((key) => key.startsWith(prefix))
    const [oldest] = ofDevice
    if (ofDevice.length > MAX_OF_DEVICE && oldest !== undefined) this.#known.delete(userNid, oldest)
    return connection
  }
}

const keyOf = ({ deviceNid }: Reader, connId: string): string => `${deviceNid} ${connId}`
