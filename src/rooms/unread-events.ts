/** The whole room, where a receipt is for no thread in particular. */
const WHOLE_ROOM = ''
/** No more unread events than this are kept for one user in one room. */
const MAX_UNREAD = 1_000

export interface Counts {
  readonly notifications: number
  readonly highlights: number
}

/** An event that notifies the user and is not read yet. */
export interface UnreadEvent {
  readonly nid: number
  readonly position: number
  /** Its thread's root, or `main`. */
  readonly thread: string
  readonly highlight: boolean
}

/** One user's unread events in one room, and how far the user has read. */
export class UnreadEvents {
  #unread: UnreadEvent[] = []
  /** So many at the beginning do not count any more. */
  #dropped = 0
  #highlights = 0
  /** Counted when first asked for, and kept up to date by what is added. */
  #byThread: Map<string, MutableCounts> | undefined
  /** By thread, the position up to which it is read. */
  readonly #read = new Map<string, number>()

  /** The position up to which the whole room is read. */
  get readUpTo(): number {
    return this.#read.get(WHOLE_ROOM) ?? 0
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** What `total` gives, as one number. */
  get totalKey(): number {
    return this.#count * (MAX_UNREAD + 1) + this.#highlights
  }

  get #count(): number {
    return this.#unread.length - this.#dropped
  }

  has(nid: number): boolean {
    return this.#counted().some((event) => event.nid === nid)
  }

  add(event: UnreadEvent): void {
    if (event.position <= this.readUpTo || event.position <= (this.#read.get(event.thread) ?? 0)) return
    this.#unread.push(event)
    this.#note(event, 1)
    if (this.#count > MAX_UNREAD) this.#drop()
  }

  /** The user has read a thread, or the whole room where `thread` is empty, up to a position. It never moves back. */
  read(thread: string, position: number): void {
    if (position <= (this.#read.get(thread) ?? 0)) return
    this.#read.set(thread, position)
    if (this.isEmpty) return
    this.#keep((event) => event.position > position || (thread !== WHOLE_ROOM && event.thread !== thread))
  }

  /** An event was redacted. */
  forget(nid: number): void {
    this.#keep((event) => event.nid !== nid)
  }

  total(): Counts {
    return { notifications: this.#count, highlights: this.#highlights }
  }

  /** Of threads with something unread. */
  byThread(): ReadonlyMap<string, Counts> {
    if (!this.#byThread) {
      this.#byThread = new Map()
      for (const event of this.#counted()) count(this.#byThread, event, 1)
    }
    return this.#byThread
  }

  /** One is unread more, or less. */
  #note(event: UnreadEvent, change: 1 | -1): void {
    if (event.highlight) this.#highlights += change
    if (this.#byThread) count(this.#byThread, event, change)
  }

  /** Forgets the first. Room is made now and then: to move all others for each new one is dear where nobody reads. */
  #drop(): void {
    const first = this.#unread[this.#dropped++]
    if (first) this.#note(first, -1)
    if (this.#dropped <= MAX_UNREAD) return
    this.#unread = this.#unread.slice(this.#dropped)
    this.#dropped = 0
  }

  #counted(): readonly UnreadEvent[] {
    return this.#dropped === 0 ? this.#unread : this.#unread.slice(this.#dropped)
  }

  #keep(isKept: (event: UnreadEvent) => boolean): void {
    this.#unread = this.#counted().filter(isKept)
    this.#dropped = 0
    this.#highlights = this.#unread.filter(({ highlight }) => highlight).length
    this.#byThread = undefined
  }
}

type MutableCounts = { -readonly [Key in keyof Counts]: Counts[Key] }

function count(byThread: Map<string, MutableCounts>, { thread, highlight }: UnreadEvent, change: 1 | -1): void {
  let counts = byThread.get(thread)
  if (!counts) byThread.set(thread, (counts = { notifications: 0, highlights: 0 }))
  counts.notifications += change
  if (highlight) counts.highlights += change
  if (counts.notifications === 0) byThread.delete(thread)
}
