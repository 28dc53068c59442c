import type { Clock } from '../core/clock.ts'
import type { Ending } from '../core/ending.ts'
import { RecentCache } from '../core/recent-cache.ts'
import type { AccountDataTable } from '../storage/account-data.ts'
import type { Database } from '../storage/database.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { ReceiptsTable } from '../storage/receipts.ts'
import type { Follower } from '../streams/follower.ts'
import type { Notifier } from '../streams/notifier.ts'
import type { IgnoredUsers } from '../users/ignored-users.ts'
import type { SyncAnswer } from './answer.ts'
import type { SyncExtension } from './extension.ts'
import type { LivePolls } from './live-polls.ts'
import type { SyncRequest } from './request.ts'
import type { SyncBuilder } from './builder.ts'
import { chooseRooms } from './turn-rooms.ts'

export interface SyncParts {
  db: Database
  clock: Clock
  notifier: Notifier
  memberships: Memberships
  accountDataTable: AccountDataTable
  ignoredUsers: IgnoredUsers
  receiptsTable: ReceiptsTable
  builder: SyncBuilder
  extensions: readonly SyncExtension[]
  livePolls: LivePolls
  /** For how long an answer is kept for a client that repeats its request. */
  responseCacheMs: number
}

/** So many characters of answers are kept for clients that repeat their request; then all are let go. */
const MAX_KEPT = 32 * 1024 * 1024

interface KeptAnswer {
  readonly answer: Promise<SyncAnswer>
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** `/sync` as a client calls it: answers at once where there is something, else as soon as there is. */
export class Sync {
  readonly #parts: SyncParts
  /** Answers under way or just given, for clients that repeat a request. */
  readonly #answers = new RecentCache<string, KeptAnswer>(1_000)
  /** How many characters of answers have been kept since they were last let go. */
  #kept = 0

  constructor(parts: SyncParts) {
    this.#parts = parts
  }

  /** The pieces of the answer's JSON text. The caller's `ending`, asked for only by those who wait, ends the waiting, not the answering. */
  async sync(request: SyncRequest, caller: { readonly ending: Ending }): Promise<readonly string[]> {
    const { clock, notifier, livePolls } = this.#parts
    const deadline = clock.now() + request.timeoutMs
    await this.begin(request)
    const follower = await notifier.follow(request.reader.userNid)
    let seen = request.since
    let hasWaited = false
    // full_state: the timeout parameter will be ignored and the query will return immediately.
    while (seen !== undefined && !request.fullState && clock.now() < deadline) {
      if (follower.changedAt > seen) {
        const shared = hasWaited ? await livePolls.answer(request, follower, seen) : undefined
        if (shared) return shared
        const answer = await this.answer(request, follower)
        if (hasWaited) await livePolls.keep(request, follower, answer.upTo)
        if (!answer.isEmpty) return answer.texts
        seen = answer.upTo
      }
      if (caller.ending.isOver) break
      hasWaited = true
      await notifier.wait(follower, seen, deadline - clock.now(), caller.ending)
    }
    return (await this.answer(request, follower)).texts
  }

  /** What was sent up to `since` has arrived, and the client is there. */
  async begin(request: SyncRequest): Promise<void> {
    for (const extension of this.#parts.extensions) await extension.begin?.(request)
  }

  /** All that is new now; it may be nothing. */
  async answer(asked: SyncRequest, follower: Follower): Promise<SyncAnswer> {
    const { db, notifier, memberships, ignoredUsers, builder } = this.#parts
    const { userNid } = asked.reader
    const records = await memberships.ofUser(userNid)
    const ignored = await ignoredUsers.of(userNid)
    const isQuiet = asked.since === undefined || follower.changedAt <= asked.since
    const extra = isQuiet ? [] : await this.#ownChanges(userNid, asked.since)
    // From here to the choice of rooms nothing waits: all is as of one position.
    const upTo = db.position
    // A token from the future is one of a database that was restored from a copy.
    const request = { ...asked, since: asked.since === undefined ? undefined : Math.min(asked.since, upTo) }
    const key = keyOf(request, upTo)
    const known = this.#answers.get(key)
    if (known && known.until > this.#parts.clock.now()) return known.answer
    const rooms = chooseRooms(request, records, follower, notifier, extra)
    return this.#share(key, request, builder.build({ ...request, upTo, ignored }, rooms))
  }

  /** The rooms in which the user has changed what only they see: account data and private receipts. */
  async #ownChanges(userNid: number, since: number): Promise<number[]> {
    const { db, accountDataTable, receiptsTable } = this.#parts
    const entries = await accountDataTable.since(userNid, since, db.position)
    const receipts = await receiptsTable.privateSince(userNid, since, db.position)
    return [...entries, ...receipts].map(({ roomNid }) => roomNid)
  }

  /** Two requests for the same share one answer; it is kept for a while for a client that did not get it. */
  #share(key: string, { since }: SyncRequest, answer: Promise<SyncAnswer>): Promise<SyncAnswer> {
    const { clock, responseCacheMs } = this.#parts
    const isKept = responseCacheMs > 0 && since !== undefined
    this.#answers.set(key, { answer, until: isKept ? clock.now() + responseCacheMs : Infinity })
    const forget = () => void this.#answers.delete(key)
    answer.then(isKept ? (given) => this.#count(given) : forget, forget)
    return answer
  }

  #count({ texts }: SyncAnswer): void {
    for (const text of texts) this.#kept += text.length
    if (this.#kept <= MAX_KEPT) return
    this.#kept = 0
    this.#answers.clear()
  }
}

function keyOf({ reader, filter, since, fullState, stateMember }: SyncRequest, upTo: number): string {
  return `${reader.userNid} ${reader.deviceNid} ${filter.id} ${since} ${upTo} ${fullState} ${stateMember}`
}
