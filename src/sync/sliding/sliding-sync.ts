/** Simplified sliding sync, MSC4186. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 */
import { scheduler } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import type { Ending } from '../../core/ending.ts'
import type { Database } from '../../storage/database.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { ReceiptsTable } from '../../storage/receipts.ts'
import type { Follower } from '../../streams/follower.ts'
import type { Notifier } from '../../streams/notifier.ts'
import type { IgnoredUsers } from '../../users/ignored-users.ts'
import type { SyncExtension } from '../extension.ts'
import type { SyncFilters } from '../filters.ts'
import type { Connection, Connections, SentRoom, Told } from './connections.ts'
import type { DirectRooms } from './direct-rooms.ts'
import { enabled, type ExtensionResult, type SlidingExtensions } from './extensions.ts'
import type { SlidingRequest, SlidingTurn } from './request.ts'
import type { RoomOrders } from './room-order.ts'
import type { RoomResult } from './room-result.ts'
import type { RoomResults } from './room-results.ts'
import type { Scope, Scopes } from './scope.ts'

/** A long answer lets others have their turn after so many milliseconds. */
const YIELD_AFTER_MS = 10

export interface SlidingSyncParts {
  db: Database
  clock: Clock
  notifier: Notifier
  memberships: Memberships
  ignoredUsers: IgnoredUsers
  receipts: ReceiptsTable
  filters: SyncFilters
  connections: Connections
  orders: RoomOrders
  scopes: Scopes
  directRooms: DirectRooms
  results: RoomResults
  extensions: SlidingExtensions
  /** Hears that the user is there. */
  presence: SyncExtension
}

export interface SlidingAnswer {
  readonly pos: string
  /** By list, how many rooms it has. */
  readonly counts: ReadonlyMap<string, number>
  /** By room nid. */
  readonly rooms: ReadonlyMap<number, RoomResult>
  readonly extensions: readonly ExtensionResult[]
}

interface Turned extends Omit<SlidingAnswer, 'pos'> {
  readonly upTo: number
  readonly isEmpty: boolean
  readonly scope: Scope
  readonly changes: ReadonlyMap<number, SentRoom>
}

/** Sliding sync as a client calls it: answers at once where there is something, else as soon as there is. */
export class SlidingSync {
  readonly #parts: SlidingSyncParts

  constructor(parts: SlidingSyncParts) {
    this.#parts = parts
  }

  /** The `ending` ends the waiting, not the answering. @throws {MatrixError} M_UNKNOWN_POS */
  async sync(request: SlidingRequest, ending: Ending): Promise<SlidingAnswer> {
    const { clock, notifier, connections } = this.#parts
    const connection = connections.open(request.reader, request.connId, request.pos)
    const deadline = clock.now() + request.timeoutMs
    await this.#begin(request)
    const follower = await notifier.follow(request.reader.userNid)
    let turned = await this.#turn(request, connection, follower)
    // The timeout is ignored when no `pos` is set.
    while (turned.isEmpty && request.pos !== undefined && clock.now() < deadline && !ending.isOver) {
      await notifier.wait(follower, turned.upTo, deadline - clock.now(), ending)
      if (follower.changedAt > turned.upTo) turned = await this.#turn(request, connection, follower)
    }
    return this.#answer(request, connection, turned)
  }

  async #begin(request: SlidingRequest): Promise<void> {
    const { presence, extensions, filters } = this.#parts
    const { reader, timeoutMs, setPresence } = request
    const filter = await filters.resolve(reader.userNid)
    await presence.begin?.({
      reader,
      filter,
      since: undefined,
      fullState: false,
      stateMember: 'state_after',
      timeoutMs,
      setPresence,
    })
    await extensions.begin(request)
  }

  async #turn(request: SlidingRequest, connection: Connection, follower: Follower): Promise<Turned> {
    const { db, memberships, ignoredUsers, orders, scopes, extensions } = this.#parts
    const { reader, timeoutMs, setPresence } = request
    const records = await memberships.ofUser(reader.userNid)
    const ignored = await ignoredUsers.of(reader.userNid)
    const upTo = db.position
    const turn: SlidingTurn = { reader, timeoutMs, setPresence, fullState: false, stateMember: 'state_after', upTo, ignored }
    const { known } = connection
    const ordered = await orders.of(follower, records, upTo)
    const scope = await scopes.of(request, turn, ordered, known.rooms)
    const { rooms, changes } = await this.#rooms(turn, connection, scope)
    const told = await extensions.of({ request, turn, known, scope: scope.rooms, matching: scope.matching, results: rooms })
    const isSame = [...scope.counts].every(([name, count]) => known.told?.counts.get(name) === count)
    const isEmpty = rooms.size === 0 && isSame && !told.some(({ isNews }) => isNews)
    return { upTo, isEmpty, scope, counts: scope.counts, rooms, changes, extensions: told }
  }

  async #rooms(
    turn: SlidingTurn,
    connection: Connection,
    scope: Scope,
  ): Promise<{ rooms: Map<number, RoomResult>; changes: Map<number, SentRoom> }> {
    const { directRooms, results } = this.#parts
    const { rooms: direct } = await directRooms.of(turn.reader.userNid)
    const read = await this.#privatelyRead(turn, connection)
    const rooms = new Map<number, RoomResult>()
    const changes = new Map<number, SentRoom>()
    let started = performance.now()
    for (const [roomNid, scoped] of scope.rooms) {
      const before = connection.known.rooms.get(roomNid)
      const given = { turn, connection, scoped, isDm: direct.has(roomNid), wasRead: read.has(roomNid), before }
      if (!results.mayHaveNews(given)) continue
      const { result, sent } = await results.of(given)
      changes.set(roomNid, sent)
      if (result) rooms.set(roomNid, result)
      if (performance.now() - started < YIELD_AFTER_MS) continue
      await scheduler.yield()
      started = performance.now()
    }
    return { rooms, changes }
  }

  async #privatelyRead({ reader, upTo }: SlidingTurn, { known }: Connection): Promise<ReadonlySet<number>> {
    if (!known.told) return new Set()
    const receipts = await this.#parts.receipts.privateSince(reader.userNid, known.told.position, upTo)
    return new Set(receipts.map(({ roomNid }) => roomNid))
  }

  #answer(request: SlidingRequest, connection: Connection, turned: Turned): SlidingAnswer {
    const { upTo, scope, counts, rooms, changes, extensions } = turned
    const { profiles } = request.extensions
    const told: Told = {
      position: upTo,
      scope: new Set(scope.rooms.keys()),
      counts,
      extensions: enabled(request.extensions),
      profileFields: profiles && (profiles.fields ?? 'all'),
    }
    const pos = this.#parts.connections.answered(request, connection, { told, changes })
    return { pos, counts, rooms, extensions }
  }
}
