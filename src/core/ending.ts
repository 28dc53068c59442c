/**
 * The end of a request, for the one thing that it waits for at a time. It says what an AbortSignal says; there is one for every
 * long poll, and signals with their events cost several times as much.
 */
export class Ending {
  #listener: (() => void) | undefined
  #isOver = false

  get isOver(): boolean {
    return this.#isOver
  }

  /** Calls `listener` at the end, in place of the one before. */
  listen(listener: () => void): void {
    this.#listener = listener
  }

  /** Nobody waits any more. */
  forget(): void {
    this.#listener = undefined
  }

  end(): void {
    this.#isOver = true
    this.#listener?.()
    this.forget()
  }
}
