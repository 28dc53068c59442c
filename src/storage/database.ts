import Sqlite from 'better-sqlite3'
import { asOne, Batch, type Queued } from './batch.ts'
import { configure, type WriterOptions } from './executor.ts'
import { migrate } from './migrate.ts'
import { ownDatabase } from './owner.ts'
import { OperationEncoder, type SqlValue } from './operations.ts'
import { startWriter, type Writer } from './writer.ts'

export { Batch } from './batch.ts'
export type { SqlValue } from './operations.ts'
export type Row = Record<string, SqlValue>

/** What changed with a batch: the streams and caches that hear of it after the commit. */
export interface Announcement {
  /** Rooms whose joined users should look. */
  rooms: ReadonlySet<number>
  /** Users (by nid) who should look, wherever the change is. */
  users: ReadonlySet<number>
  /** The position up to which everything is visible now. */
  position: number
}

/**
 * Positions of in-memory streams (typing) are handed out without a commit. Each start skips this many positions,
 * and no more than half of it is handed out before the position is saved again, so that no token ever moves backwards.
 */
const UNSAVED_POSITIONS = 10_000
const SAVE_POSITION = 'UPDATE counters SET value = ? WHERE name = ?'

/**
 * The database: reads that answer sets, and writes that are batches (docs/adr/0003).
 * Batches that are ready in the same turn, or while a commit is on its way, share the next commit.
 */
export class Database implements AsyncDisposable {
  readonly #reader: Sqlite.Database
  readonly #writer: Writer
  readonly #owner: { close(): void }
  readonly #prepared = new Map<string, Sqlite.Statement>()
  readonly #statementIds = new Map<string, number>()
  readonly #undefinedStatements: [number, string][] = []
  #queue: Queued[] = []
  readonly #held = new Map<number, Queued[]>()
  #running = false
  #scheduled = false
  #drawn: number
  #position: number
  #saved: number
  #backwards: number
  #listeners: ((announcement: Announcement) => void)[] = []
  #groupObserver: (size: number, seconds: number) => void = () => {}
  #idle: (() => void)[] = []

  /**
   * Opens, and brings up to date, the database file at `options.path`; `writer` takes the place of the writer's thread.
   * @throws {Error} when the file was written by a newer version, or is in use by another process
   */
  constructor(options: WriterOptions, writer?: Writer) {
    this.#owner = ownDatabase(options.path)
    const db = new Sqlite(options.path)
    configure(db)
    migrate(db)
    db.pragma('query_only = ON')
    this.#reader = db
    this.#writer = writer ?? startWriter(options)
    this.#saved = this.#number('SELECT value AS n FROM counters WHERE name = ?', 'position')
    this.#drawn = this.#position = this.#saved + UNSAVED_POSITIONS
    this.#backwards = this.#number('SELECT min(coalesce((SELECT min(position) FROM timeline), 0), 0) AS n')
  }

  /** Every position up to this one is committed and may be served. */
  get position(): number {
    return this.#position
  }

  /** Writes that wait for their commit. */
  get queued(): number {
    return this.#queue.length
  }

  /** The first row of a query, or undefined. */
  async get<T extends object = Row>(sql: string, ...values: SqlValue[]): Promise<T | undefined> {
    return this.#prepare(sql).get(...values) as T | undefined
  }

  /** All rows of a query. */
  async all<T extends object = Row>(sql: string, ...values: SqlValue[]): Promise<T[]> {
    return this.#prepare(sql).all(...values) as T[]
  }

  /** All rows of a query at once: for what is held in memory from the start. */
  atOnce<T extends object = Row>(sql: string): T[] {
    return this.#prepare(sql).all() as T[]
  }

  /** The rows of one query for each of many keys, in one go: `sql` takes the members of a key as its parameters. */
  async many<T extends object = Row>(sql: string, keys: Iterable<readonly SqlValue[]>): Promise<T[]> {
    const statement = this.#prepare(sql)
    const rows: T[] = []
    for (const key of keys) for (const row of statement.all(...key)) rows.push(row as T)
    return rows
  }

  /**
   * Queues the operations that `fill` describes and resolves with its result when they are durable.
   * Writes of the same `chain` (a room) build on one another: when one fails, those queued after it fail with it.
   */
  async write<T>(fill: (batch: Batch) => T, chain?: number): Promise<T> {
    const batch = this.draft()
    const result = fill(batch)
    await this.queue(batch, chain)
    return result
  }

  /**
   * A batch that is filled bit by bit, with other work in between, and holds nobody up: what it has so far is found by those
   * who read pending things. It draws its positions last, right before it is queued; or it is dropped by `settle(false)`.
   */
  draft(): Batch {
    return new Batch(this)
  }

  /** Queues a batch, as `write` does with the one that it fills. */
  queue(batch: Batch, chain?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const queued = { batch, chain, resolve, reject }
      const held = chain === undefined ? undefined : this.#held.get(chain)
      if (held) held.push(queued)
      else this.#enqueue(queued)
    })
  }

  /**
   * Runs `task`, whose writes of `chain` are then committed together or not at all; when it rejects, they are all dropped.
   * Until it has settled nothing is committed, so that positions become visible in the order in which they were drawn:
   * it must be short (reads and computation) and must not wait for a write.
   */
  async together<T>(chain: number, task: () => Promise<T>): Promise<T> {
    const held: Queued[] = []
    this.#held.set(chain, held)
    try {
      const result = await task()
      this.#release(chain, asOne(this, chain, held))
      return result
    } catch (cause) {
      this.#release(chain)
      for (const queued of held) this.#fail(queued, cause)
      throw cause
    }
  }

  /** Hears of every commit, before the writes of it resolve. */
  onCommit(listener: (announcement: Announcement) => void): void {
    this.#listeners.push(listener)
  }

  /** Is told the size and the duration of each group commit. */
  observeGroups(observer: (size: number, seconds: number) => void): void {
    this.#groupObserver = observer
  }

  statementId(sql: string): number {
    let id = this.#statementIds.get(sql)
    if (id === undefined) {
      id = this.#statementIds.size
      this.#statementIds.set(sql, id)
      this.#undefinedStatements.push([id, sql])
    }
    return id
  }

  drawPosition(): number {
    return ++this.#drawn
  }

  skipPositions(count: number): void {
    this.#drawn += count
  }

  /** A timeline position before all others, for events from before what we have. */
  drawBackwardsPosition(): number {
    return --this.#backwards
  }

  /** The largest value of an integer primary key, to count on from. */
  maximum(table: string, column: string): number {
    return this.#number(`SELECT coalesce(max(${column}), 0) AS n FROM ${table}`)
  }

  /** Waits for all queued writes, then closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running || this.#scheduled) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await this.#writer.close()
    this.#reader.close()
    this.#owner.close()
  }

  #number(sql: string, ...values: SqlValue[]): number {
    return (this.#reader.prepare(sql).get(...values) as { n: number }).n
  }

  #prepare(sql: string): Sqlite.Statement {
    let statement = this.#prepared.get(sql)
    if (!statement) {
      statement = this.#reader.prepare(sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }

  #enqueue(queued: Queued): void {
    this.#queue.push(queued)
    this.#schedule()
  }

  #release(chain: number, queued?: Queued): void {
    this.#held.delete(chain)
    if (queued) this.#queue.push(queued)
    if (this.#queue.length > 0) this.#schedule()
  }

  #schedule(): void {
    if (this.#running || this.#scheduled || this.#held.size > 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#commitQueued()
    })
  }

  async #commitQueued(): Promise<void> {
    this.#running = true
    while (this.#queue.length > 0 && this.#held.size === 0) {
      const group = this.#queue.splice(0)
      const started = performance.now()
      try {
        await this.#commit(group)
        this.#announce(group)
      } catch (cause) {
        await this.#commitOneByOne(group, cause)
      }
      this.#groupObserver(group.length, (performance.now() - started) / 1000)
    }
    this.#running = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Writes the operations of `group` as one transaction, with the position that they reach where it is far from the last one saved. */
  async #commit(group: readonly Queued[]): Promise<void> {
    const reached = this.#drawn
    const isFar = reached - this.#saved >= UNSAVED_POSITIONS / 2
    if (!isFar && group.every(({ batch }) => batch.statements.length === 0)) return
    const operations = new OperationEncoder()
    for (const { batch } of group)
      for (const [index, statement] of batch.statements.entries()) operations.add(statement, batch.values[index] ?? [])
    if (isFar) operations.add(this.statementId(SAVE_POSITION), [reached, 'position'])
    const define = this.#undefinedStatements.splice(0)
    await this.#writer.commit({ define, operations: operations.finish() })
    if (isFar) this.#saved = reached
  }

  /** A group failed and left nothing behind: finds out whose fault it was, so that the others are not lost with it. */
  async #commitOneByOne(group: readonly Queued[], cause: unknown): Promise<void> {
    const failedChains = new Map<number, unknown>()
    for (const queued of group) {
      const inherited = queued.chain === undefined ? undefined : failedChains.get(queued.chain)
      try {
        if (inherited !== undefined) throw inherited
        if (group.length === 1) throw cause
        await this.#commit([queued])
        this.#announce([queued])
      } catch (own) {
        this.#fail(queued, own)
        if (queued.chain !== undefined) failedChains.set(queued.chain, own)
      }
    }
    for (const queued of this.#queue.filter(({ chain }) => chain !== undefined && failedChains.has(chain))) {
      this.#queue.splice(this.#queue.indexOf(queued), 1)
      this.#fail(queued, failedChains.get(queued.chain ?? 0))
    }
  }

  #fail({ batch, reject }: Queued, cause: unknown): void {
    batch.settle(false)
    reject(cause)
  }

  /** Makes the group's positions visible, then wakes listeners, then lets the writes resolve. */
  #announce(group: readonly Queued[]): void {
    const rooms = new Set<number>()
    const users = new Set<number>()
    for (const { batch } of group) {
      this.#position = Math.max(this.#position, batch.lastPosition)
      batch.settle(true)
      for (const room of batch.rooms) rooms.add(room)
      for (const user of batch.users) users.add(user)
    }
    for (const listener of this.#listeners) listener({ rooms, users, position: this.#position })
    for (const { resolve } of group) resolve()
  }
}
