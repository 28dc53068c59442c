/** A resolution that checks fewer events costs no more than what leads to it: honest forks are of a few dozen. */
export const FREE_EVENTS = 2_000
/** About ten times what the check of an event takes, so that nobody has more than a tenth of the processor for it. */
const REST_MS_PER_EVENT = 0.2
const LONGEST_REST_MS = 30_000

/**
 * What the events that a server sends into a room have made us resolve. Who sends an event from before thousands of others
 * makes us check these, and can do so again with the next one; somewhere in between, the server has to wait.
 */
export class ResolutionEffort {
  #events = 0

  /** So many events were checked in one resolution. */
  add(events: number): void {
    if (events > FREE_EVENTS) this.#events += events
  }

  /** For how many milliseconds to take nothing further, for what has been done up to now. */
  takeRest(): number {
    const rest = Math.min(this.#events * REST_MS_PER_EVENT, LONGEST_REST_MS)
    this.#events = 0
    return rest
  }
}
