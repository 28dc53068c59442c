import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** What a call ends with: its response, or the connection where that goes on to be a WebSocket. */
type Ending = ServerResponse | Duplex

/** Knows which requests are being answered, gives those that ask an abort signal, and aborts them all when the server stops. */
export class OpenCalls {
  readonly #controllers = new Map<Ending, AbortController>()
  #count = 0
  readonly #stopped = Promise.withResolvers<void>()
  #stopping = false

  get isStopping(): boolean {
    return this.#stopping
  }

  /** Counts a request until its answer is handed to the system or its connection is gone. */
  enter(response: Ending): void {
    this.#count++
    response.once('close', () => {
      this.#count--
      this.#settle()
    })
  }

  /** Aborts when the client goes away before it has its answer, and when the server stops. */
  signalOf(response: Ending): AbortSignal {
    const known = this.#controllers.get(response)
    if (known) return known.signal
    const controller = new AbortController()
    if (this.#stopping || response.destroyed) {
      controller.abort()
      return controller.signal
    }
    this.#controllers.set(response, controller)
    response.once('close', () => {
      this.#controllers.delete(response)
      if (!response.writableFinished) controller.abort()
    })
    return controller.signal
  }

  /** Aborts all signals, those asked for later too. Resolves when no request is open any more. */
  stop(): Promise<void> {
    this.#stopping = true
    for (const controller of this.#controllers.values()) controller.abort()
    this.#settle()
    return this.#stopped.promise
  }

  #settle(): void {
    if (this.#stopping && this.#count === 0) this.#stopped.resolve()
  }
}
