import type { SqlValue } from './operations.ts'

/** What the database does for its batches. */
export interface BatchSource {
  statementId(sql: string): number
  drawPosition(): number
  skipPositions(count: number): void
}

/**
 * The operations of one write, filled in by one synchronous callback; nothing of it is visible before the commit.
 * Positions that it draws are in the order of the commits.
 */
export class Batch {
  readonly statements: number[] = []
  readonly values: SqlValue[][] = []
  /** The last position that it drew; 0 where it drew none. */
  lastPosition = 0
  readonly rooms = new Set<number>()
  readonly users = new Set<number>()
  readonly #source: BatchSource
  #settled: ((committed: boolean) => void)[] = []

  constructor(source: BatchSource) {
    this.#source = source
  }

  /** Queues one statement. `sql` must be a constant: it is prepared once and kept. */
  run(sql: string, ...values: SqlValue[]): void {
    this.statements.push(this.#source.statementId(sql))
    this.values.push(values)
  }

  /** The next stream position; it becomes visible with this batch's commit. */
  nextPosition(): number {
    this.lastPosition = this.#source.drawPosition()
    return this.lastPosition
  }

  /** Leaves positions free before the next one. */
  skipPositions(count: number): void {
    this.#source.skipPositions(count)
  }

  /** After the commit, wakes those who follow the room. */
  touchRoom(roomNid: number): void {
    this.rooms.add(roomNid)
  }

  /** After the commit, wakes the user. */
  touchUser(userNid: number): void {
    this.users.add(userNid)
  }

  /** Calls back when the batch is durable (true), or has failed and left no trace (false); before the write's promise settles. */
  onSettled(callback: (committed: boolean) => void): void {
    this.#settled.push(callback)
  }

  /** Takes on all that another batch has queued. */
  absorb(other: Batch): void {
    for (const statement of other.statements) this.statements.push(statement)
    for (const values of other.values) this.values.push(values)
    for (const room of other.rooms) this.rooms.add(room)
    for (const user of other.users) this.users.add(user)
    this.lastPosition = Math.max(this.lastPosition, other.lastPosition)
    this.onSettled((committed) => other.settle(committed))
  }

  settle(committed: boolean): void {
    for (const callback of this.#settled) callback(committed)
    this.#settled = []
  }
}

/** A write that waits for its commit. */
export interface Queued {
  batch: Batch
  chain: number | undefined
  resolve: () => void
  reject: (cause: unknown) => void
}

/** Several queued writes as one that succeeds or fails as a whole. */
export function asOne(source: BatchSource, chain: number, parts: readonly Queued[]): Queued | undefined {
  if (parts.length === 0) return undefined
  const batch = new Batch(source)
  for (const part of parts) batch.absorb(part.batch)
  return {
    batch,
    chain,
    resolve: () => parts.forEach((part) => part.resolve()),
    reject: (cause) => parts.forEach((part) => part.reject(cause)),
  }
}
