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
  #highlights = 0
  /** By thread, the position up to which it is read. */
  readonly #read = new Map<string, number>()

  /** The position up to which the whole room is read. */
  get readUpTo(): number {
    return this.#read.get(WHOLE_ROOM) ?? 0
  }

  get isEmpty(): boolean {
    return this.#unread.length === 0
  }

  /** What `total` gives, as one number. */
  get totalKey(): number {
    return this.#unread.length * (MAX_UNREAD + 1) + this.#highlights
  }

  has(nid: number): boolean {
    return this.#unread.some((event) => event.nid === nid)
  }

  add(event: UnreadEvent): void {
    if (event.position <= this.readUpTo || event.position <= (this.#read.get(event.thread) ?? 0)) return
    this.#unread.push(event)
    if (event.highlight) this.#highlights++
    if (this.#unread.length > MAX_UNREAD && this.#unread.shift()?.highlight) this.#highlights--
  }

  /** The user has read a thread, or the whole room where `thread` is empty, up to a position. It never moves back. */
  read(thread: string, position: number): void {
    if (position <= (this.#read.get(thread) ?? 0)) return
    this.#read.set(thread, position)
    if (this.#unread.length === 0) return
    this.#keep((event) => event.position > position || (thread !== WHOLE_ROOM && event.thread !== thread))
  }

  /** An event was redacted. */
  forget(nid: number): void {
    this.#keep((event) => event.nid !== nid)
  }

  total(): Counts {
    return { notifications: this.#unread.length, highlights: this.#highlights }
  }

  byThread(): Map<string, Counts> {
    return new Map([...Map.groupBy(this.#unread, ({ thread }) => thread)].map(([thread, events]) => [thread, countsOf(events)]))
  }

  #keep(isKept: (event: UnreadEvent) => boolean): void {
    this.#unread = this.#unread.filter(isKept)
    this.#highlights = countsOf(this.#unread).highlights
  }
}

function countsOf(events: readonly UnreadEvent[]): Counts {
  let highlights = 0
  for (const { highlight } of events) if (highlight) highlights++
  return { notifications: events.length, highlights }
}
