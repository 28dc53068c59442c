import type { ServerName } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'

export interface GapLimits {
  /** Milliseconds from the first question on, waiting for one's turn included. */
  readonly timeMs: number
  /** Questions about events and states. */
  readonly questions: number
  /** Events that are asked for one by one. */
  readonly singleEvents: number
  /** Questions under way to one server, and to all. */
  readonly atOnceOfServer: number
  readonly atOnce: number
}

/** A gap of honest servers takes two or three questions, and seconds. */
export const GAP_LIMITS: GapLimits = { timeMs: 60_000, questions: 30, singleEvents: 20_000, atOnceOfServer: 4, atOnce: 32 }

/** What may be spent on the gaps before the events that a server sends together. The time counts from the first question on. */
export class GapBudget implements Disposable {
  readonly #clock: Clock
  readonly #limits: GapLimits
  readonly #over = new AbortController()
  readonly #out = new AbortController()
  #questions: number
  #singleEvents: number

  constructor(clock: Clock, limits: GapLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#questions = limits.questions
    this.#singleEvents = limits.singleEvents
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#out.signal
  }

  /** Whether one more question may be asked; it counts. */
  takeQuestion(): boolean {
    if (this.#questions === this.#limits.questions)
      void this.#clock.sleep(this.#limits.timeMs, this.#over.signal).then(() => this.#out.abort())
    return this.#questions-- > 0 && !this.signal.aborted
  }

  /** Whether so many events may be asked for one by one; they count. */
  takeSingleEvents(count: number): boolean {
    if (count > this.#singleEvents) return false
    this.#singleEvents -= count
    return true
  }

  [Symbol.dispose](): void {
    this.#over.abort()
  }
}

/** Lets few questions be under way at once, to one server and in all, so that what they bring has room in memory. */
export class GapTurns {
  readonly #limits: GapLimits
  readonly #all: Limiter
  readonly #ofServers = new Map<ServerName, { readonly limiter: Limiter; users: number }>()

  constructor(limits: GapLimits) {
    this.#limits = limits
    this.#all = new Limiter(limits.atOnce)
  }

  async run<T>(server: ServerName, task: () => Promise<T>): Promise<T> {
    const own = this.#ofServers.get(server) ?? { limiter: new Limiter(this.#limits.atOnceOfServer), users: 0 }
    this.#ofServers.set(server, own)
    own.users++
    try {
      return await own.limiter.run(() => this.#all.run(task))
    } finally {
      if (--own.users === 0) this.#ofServers.delete(server)
    }
  }
}
