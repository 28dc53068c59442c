/** How late timers fire: the load-shedder's input. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 20
const WINDOW_MS = 1_000

/** The part of Node's histogram that is used; `max` in nanoseconds, from one measurement to the next. */
type Histogram = Pick<ReturnType<typeof monitorEventLoopDelay>, 'max' | 'reset' | 'enable' | 'disable'>

export class EventLoopDelay implements Disposable {
  readonly #histogram: Histogram
  readonly #now: () => number
  #windowEnds: number
  #previousWindow = 0

  /** Measures until disposed of. `now` answers milliseconds. */
  constructor(
    now: () => number = () => performance.now(),
    histogram: Histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS }),
  ) {
    this.#histogram = histogram
    this.#now = now
    this.#windowEnds = now() + WINDOW_MS
    histogram.enable()
  }

  /** The worst delay in milliseconds of this window of a second and the one before it. */
  worst(): number {
    const current = Math.max(0, this.#histogram.max / 1e6 - RESOLUTION_MS)
    const worst = Math.max(current, this.#previousWindow)
    if (this.#now() >= this.#windowEnds) {
      this.#previousWindow = current
      this.#windowEnds = this.#now() + WINDOW_MS
      this.#histogram.reset()
    }
    return worst
  }

  [Symbol.dispose](): void {
    this.#histogram.disable()
  }
}
