import { RecentCache } from '../core/recent-cache.ts'
import { CacheUse } from '../core/cache-use.ts'
import type { Batch, Database } from './database.ts'

const BY_NAME = 'SELECT nid, name FROM names WHERE name = ?'
const BY_NID = 'SELECT nid, name FROM names WHERE nid = ?'
const INSERT = 'INSERT OR IGNORE INTO names (nid, name) VALUES (?, ?)'

interface NameRow {
  nid: number
  name: string
}

/** Longer names than any event can have are not remembered as absent: they would only fill the memory. */
const MAX_ABSENT_LENGTH = 512

/**
 * Small integers for the texts that rows refer to often: user ids, servers, key ids, and the kinds of events.
 * A name keeps its nid for ever.
 */
export class Names {
  readonly #db: Database
  readonly cacheUse = new CacheUse()
  readonly #nids = new RecentCache<string, number>(50_000)
  readonly #names = new RecentCache<number, string>(50_000)
  /** Names that nothing refers to, which readers ask for all the same: a piece of state that no room has. */
  readonly #absent = new RecentCache<string, true>(10_000)
  /** Given a nid by a batch that is not durable yet. */
  readonly #pending = new Map<string, number>()
  #last: number

  constructor(db: Database) {
    this.#db = db
    this.#last = db.maximum('names', 'nid')
  }

  /** The nid of one name, or undefined where nothing refers to it. */
  async find(name: string): Promise<number | undefined> {
    const cached = this.cacheUse.count(this.#nids.get(name) ?? this.#pending.get(name))
    if (cached !== undefined || this.#absent.has(name)) return cached
    const row = await this.#db.get<NameRow>(BY_NAME, name)
    if (row) this.#remember(row)
    else this.#noteAbsent(name)
    return row?.nid
  }

  /** Looks a set of names up, so that a batch can use their nids and give nids to the new ones among them. */
  async resolve(names: Iterable<string>): Promise<ResolvedNames> {
    const resolved = new Map<string, number | undefined>()
    const missing: [string][] = []
    for (const name of names) {
      const nid = this.cacheUse.count(this.#nids.get(name))
      if (nid === undefined && !resolved.has(name) && !this.#absent.has(name)) missing.push([name])
      resolved.set(name, nid)
    }
    if (missing.length > 0) {
      for (const row of await this.#db.many<NameRow>(BY_NAME, missing)) {
        this.#remember(row)
        resolved.set(row.name, row.nid)
      }
      for (const [name] of missing) if (resolved.get(name) === undefined) this.#noteAbsent(name)
    }
    return new ResolvedNames(resolved, {
      intern: (batch, name) => this.#intern(batch, name),
      reserve: (name) => this.#reserve(name),
      pending: (name) => this.#pending.get(name),
    })
  }

  /** The names of a set of nids. */
  async namesOf(nids: Iterable<number>): Promise<Map<number, string>> {
    const found = new Map<number, string>()
    const missing: [number][] = []
    for (const nid of nids) {
      const name = this.#names.get(nid)
      if (name === undefined) missing.push([nid])
      else found.set(nid, name)
    }
    if (missing.length > 0) {
      for (const row of await this.#db.many<NameRow>(BY_NID, missing)) {
        this.#remember(row)
        found.set(row.nid, row.name)
      }
    }
    return found
  }

  /** The name of one nid, which must exist. */
  async nameOf(nid: number): Promise<string> {
    const name = this.#names.get(nid) ?? (await this.namesOf([nid])).get(nid)
    if (name === undefined) throw new Error(`no name has the nid ${nid}`)
    return name
  }

  /** A nid that a batch in the making may use: every batch that uses one that is not durable yet writes it too. */
  #intern(batch: Batch, name: string): number {
    const durable = this.#nids.get(name)
    if (durable !== undefined) return durable
    const nid = this.#reserve(name)
    batch.run(INSERT, nid, name)
    batch.onSettled((committed) => {
      if (!committed) return
      this.#pending.delete(name)
      this.#remember({ nid, name })
    })
    return nid
  }

  #reserve(name: string): number {
    const known = this.#nids.get(name) ?? this.#pending.get(name)
    if (known !== undefined) return known
    const nid = ++this.#last
    this.#pending.set(name, nid)
    this.#absent.delete(name)
    this.#names.set(nid, name)
    return nid
  }

  #noteAbsent(name: string): void {
    // It may have been given a nid meanwhile.
    if (name.length <= MAX_ABSENT_LENGTH && !this.#pending.has(name) && !this.#nids.has(name)) this.#absent.set(name, true)
  }

  #remember({ nid, name }: NameRow): void {
    this.#nids.set(name, nid)
    this.#names.set(nid, name)
  }
}

interface NameSource {
  intern(batch: Batch, name: string): number
  reserve(name: string): number
  pending(name: string): number | undefined
}

/** The nids of a set of names, as they were when it was resolved. */
export class ResolvedNames {
  readonly #nids: ReadonlyMap<string, number | undefined>
  readonly #source: NameSource

  constructor(nids: ReadonlyMap<string, number | undefined>, source: NameSource) {
    this.#nids = nids
    this.#source = source
  }

  /** The nid of a name of the set, given one by `batch` where it has none. */
  nid(batch: Batch, name: string): number {
    return this.#known(name) ?? this.#source.intern(batch, name)
  }

  /** The nid that a name of the set has or will have; the batch that first refers to it must still ask for it by `nid`. */
  reserve(name: string): number {
    return this.#known(name) ?? this.#source.reserve(name)
  }

  /** The nid of a name of the set, or undefined where nothing refers to it. */
  known(name: string): number | undefined {
    return this.#nids.get(name) ?? this.#source.pending(name)
  }

  #known(name: string): number | undefined {
    const nid = this.#nids.get(name)
    if (nid === undefined && !this.#nids.has(name)) throw new Error(`the name ${JSON.stringify(name)} was not resolved`)
    return nid
  }
}
