import type { UserId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import type { Database } from '../storage/database.ts'
import { StreamIndex } from '../storage/stream-index.ts'

export interface TypingParts {
  db: Database
  clock: Clock
  /** Ends the waiting for expiries: aborted when the server stops. */
  signal: AbortSignal
}

/** A reason of its own spares the error that an abort makes up otherwise, with its stack. */
const CANCELLED = Symbol('the waiting is over')

/** Cancels the waiting for the end of one user's typing. */
type Cancel = () => void

/**
 * Who is typing in which room; kept in memory only. Each change draws a position, so that tokens tell it apart,
 * but writes nothing.
 */
export class TypingUsers {
  readonly #parts: TypingParts
  /** By room, in the order in which they began. */
  readonly #rooms = new Map<number, Map<UserId, Cancel>>()
  readonly #changes: StreamIndex<number>

  constructor(parts: TypingParts) {
    this.#parts = parts
    this.#changes = new StreamIndex(parts.db.position, 20_000)
  }

  in(roomNid: number): UserId[] {
    return [...(this.#rooms.get(roomNid)?.keys() ?? [])]
  }

  /** False where it is certain that the room's list has not changed after `position`. */
  mayHaveChanged(roomNid: number, position: number): boolean {
    return this.#changes.mayHaveChanged(roomNid, position)
  }

  /** Whether somebody has typed there of late, be it that nobody does now. */
  hasChanged(roomNid: number): boolean {
    return this.#changes.has(roomNid)
  }

  /** Whether every change after `position` is remembered; those from before the start are not. */
  covers(position: number): boolean {
    return this.#changes.covers(position)
  }

  /** The user types, for `timeoutMs` from now on unless told otherwise before. Resolves when readers can see it. */
  async start(roomNid: number, userId: UserId, timeoutMs: number): Promise<void> {
    const typing = this.#rooms.get(roomNid)
    typing?.get(userId)?.()
    const cancel = this.#expireAfter(roomNid, userId, timeoutMs)
    if (typing?.has(userId)) typing.set(userId, cancel)
    else await this.#change(roomNid, (users) => users.set(userId, cancel))
  }

  async stop(roomNid: number, userId: UserId): Promise<void> {
    const typing = this.#rooms.get(roomNid)
    if (!typing?.has(userId)) return
    typing.get(userId)?.()
    await this.#change(roomNid, (users) => users.delete(userId))
  }

  /** Changes the list at the commit that makes its position visible. */
  async #change(roomNid: number, change: (users: Map<UserId, Cancel>) => void): Promise<void> {
    await this.#parts.db.write((batch) => {
      const position = batch.nextPosition()
      batch.touchRoom(roomNid)
      batch.onSettled(() => {
        const users = this.#rooms.get(roomNid) ?? new Map<UserId, Cancel>()
        change(users)
        if (users.size > 0) this.#rooms.set(roomNid, users)
        else this.#rooms.delete(roomNid)
        this.#changes.set(roomNid, position)
      })
    })
  }

  #expireAfter(roomNid: number, userId: UserId, timeoutMs: number): Cancel {
    const cancelled = new AbortController()
    const cancel = () => cancelled.abort(CANCELLED)
    const expire = async () => {
      const { clock, signal } = this.#parts
      signal.addEventListener('abort', cancel, { once: true })
      await clock.sleep(timeoutMs, cancelled.signal)
      signal.removeEventListener('abort', cancel)
      if (!cancelled.signal.aborted && this.#rooms.get(roomNid)?.get(userId) === cancel) await this.stop(roomNid, userId)
    }
    void expire()
    return cancel
  }
}
