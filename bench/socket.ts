/** A reader of `/sync` over a WebSocket, as docs/sync-socket.md tells bots to be. */
import { once } from 'node:events'
import { WebSocket } from 'ws'

const PATH = '/_matrix/client/unstable/chat.causeway/sync'
/** Acknowledged so rarely that it costs little, and more often than the server asks for. */
const ACKNOWLEDGE_EVERY = 20

export class BenchSocket {
  readonly #webSocket: WebSocket
  #answers = 0
  #wanted = 0
  #reached: (() => void) | undefined

  constructor(url: string, token: string) {
    this.#webSocket = new WebSocket(url.replace('http', 'ws') + PATH, 'chat.causeway.sync.v1', {
      headers: { authorization: `Bearer ${token}` },
    })
    this.#webSocket.on('message', (data) => this.#take(String(data)))
  }

  /** Resolves with the first answer. */
  static async open(url: string, token: string): Promise<BenchSocket> {
    const socket = new BenchSocket(url, token)
    const first = socket.answers(1)
    await once(socket.#webSocket, 'open')
    await first
    return socket
  }

  /** Resolves when so many more answers have come. */
  answers(count: number): Promise<void> {
    this.#wanted = this.#answers + count
    return new Promise((resolve) => (this.#reached = resolve))
  }

  close(): void {
    this.#webSocket.terminate()
  }

  #take(text: string): void {
    this.#answers++
    if (this.#answers % ACKNOWLEDGE_EVERY === 0)
      this.#webSocket.send(JSON.stringify({ ack: /"next_batch":"([^"]+)"/.exec(text)?.[1] }))
    if (this.#answers === this.#wanted) this.#reached?.()
  }
}
