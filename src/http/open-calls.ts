import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Ending } from '../core/ending.ts'

/** What a call is answered by: its response, or the connection where that goes on to be a WebSocket. */
type Answering = ServerResponse | Duplex

/** Knows which requests are being answered, tells those that ask of their end, and ends them all when the server stops. */
export class OpenCalls {
  /** Undefined for those that nobody has asked about. */
  readonly #endings = new Map<Answering, Ending | undefined>()
  readonly #stopped = Promise.withResolvers<void>()
  #stopping = false

  get isStopping(): boolean {
    return this.#stopping
  }

  /** Counts a request until its answer is handed to the system or its connection is gone. */
  enter(by: Answering): void {
    this.#endings.set(by, undefined)
    by.once('close', () => {
      const ending = this.#endings.get(by)
      this.#endings.delete(by)
      if (!by.writableFinished) ending?.end()
      this.#settle()
    })
  }

  /** Comes when the client goes away before it has its answer, and when the server stops. */
  endingOf(by: Answering): Ending {
    const known = this.#endings.get(by)
    if (known) return known
    const ending = new Ending()
    if (this.#stopping || by.destroyed) ending.end()
    else this.#endings.set(by, ending)
    return ending
  }

  /** Ends all requests, later ones too. Resolves when none is open any more. */
  stop(): Promise<void> {
    this.#stopping = true
    for (const ending of this.#endings.values()) ending?.end()
    this.#settle()
    return this.#stopped.promise
  }

  #settle(): void {
    if (this.#stopping && this.#endings.size === 0) this.#stopped.resolve()
  }
}
