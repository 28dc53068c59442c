import Sqlite from 'better-sqlite3'
import { decodeOperations } from './operations.ts'

export interface WriterOptions {
  path: string
  /** `FULL`: a resolved write survives the loss of power. `OFF` is for throw-away databases of tests. */
  synchronous: 'FULL' | 'NORMAL' | 'OFF'
}

/** One group of batches: `define` names the statements that the executor has not met yet. */
export interface Group {
  define: readonly (readonly [id: number, sql: string])[]
  operations: Uint8Array<ArrayBuffer>
}

/** Applies groups of operations to the database, each in one transaction. It is all of the writer that knows SQLite. */
export class Executor {
  readonly #db: Sqlite.Database
  readonly #statements: Sqlite.Statement[] = []
  readonly #apply: (operations: Uint8Array) => void

  constructor(options: WriterOptions) {
    this.#db = new Sqlite(options.path)
    configure(this.#db)
    this.#db.pragma(`synchronous = ${options.synchronous}`)
    this.#db.pragma('wal_autocheckpoint = 4000')
    this.#apply = this.#db.transaction((operations: Uint8Array) => {
      decodeOperations(operations, (id, values) => this.#statement(id).run(...values))
    }).immediate
  }

  /** Commits the whole group, or throws and changes nothing. */
  commit(group: Group): void {
    for (const [id, sql] of group.define) this.#statements[id] = this.#db.prepare(sql)
    this.#apply(group.operations)
  }

  close(): void {
    this.#db.close()
  }

  #statement(id: number): Sqlite.Statement {
    const statement = this.#statements[id]
    if (!statement) throw new Error(`statement ${id} was never defined`)
    return statement
  }
}

/** What every connection to the database sets. */
export function configure(db: Sqlite.Database): void {
  db.pragma('journal_mode = WAL')
  db.pragma('foreign_keys = OFF')
  db.pragma('temp_store = MEMORY')
  db.pragma('mmap_size = 134217728')
  db.pragma('cache_size = -8192')
}
