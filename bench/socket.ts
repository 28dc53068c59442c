/**
 * A reader of `/sync` over a WebSocket, as docs/sync-socket.md tells bots to be. It costs a load process next to nothing: it
 * looks at frames, not into them, so that what is measured is the server and not a client that runs beside it.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'

const PATH = '/_matrix/client/unstable/chat.causeway/sync'
/** Acknowledged so rarely that it costs little, and more often than the server asks for. */
const ACKNOWLEDGE_EVERY = 20
const TEXT = 0x81
const PING = 0x89
const PONG = 0x8a
const TOKEN_AT = '{"next_batch":"'.length

export class BenchSocket {
  readonly #socket: Socket
  #received: Buffer
  #answers = 0
  #wanted = 0
  #reached: (() => void) | undefined

  private constructor(socket: Socket, head: Buffer) {
    this.#socket = socket
    this.#received = head
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => undefined)
  }

  /** Resolves with the first answer. */
  static async open(url: string, token: string): Promise<BenchSocket> {
    const headers = {
      authorization: `Bearer ${token}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': 'chat.causeway.sync.v1',
    }
    const asked = request(url + PATH, { headers }).end()
    const [, connection, head] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket, Buffer]
    const socket = new BenchSocket(connection.setNoDelay(), head)
    const first = socket.answers(1)
    socket.#receive(Buffer.alloc(0))
    await first
    return socket
  }

  /** Resolves when so many more answers have come. */
  answers(count: number): Promise<void> {
    this.#wanted = this.#answers + count
    return new Promise((resolve) => (this.#reached = resolve))
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    let rest = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    for (let frame = frameOf(rest); frame; frame = frameOf(rest)) {
      rest = rest.subarray(frame.end)
      if (frame.type === TEXT) this.#take(frame.payload)
      else if (frame.type === PING) this.#say(PONG, frame.payload)
    }
    this.#received = rest
  }

  #take(answer: Buffer): void {
    this.#answers++
    if (this.#answers % ACKNOWLEDGE_EVERY === 0) {
      const token = answer.toString('latin1', TOKEN_AT, answer.indexOf('"', TOKEN_AT))
      this.#say(TEXT, Buffer.from(`{"ack":"${token}"}`))
    }
    if (this.#answers === this.#wanted) this.#reached?.()
  }

  /** What clients say is masked; the mask of zeros changes nothing. */
  #say(type: number, payload: Buffer): void {
    this.#socket.write(Buffer.concat([Buffer.of(type, 0x80 | payload.length, 0, 0, 0, 0), payload]))
  }
}

interface Frame {
  readonly type: number
  readonly payload: Buffer
  readonly end: number
}

/** The first frame of some bytes; undefined where it is not whole yet. */
function frameOf(bytes: Buffer): Frame | undefined {
  const [type = 0, short = 0] = bytes
  const start = short === 127 ? 10 : short === 126 ? 4 : 2
  if (bytes.length < start) return undefined
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  const end = start + length
  return bytes.length < end ? undefined : { type, payload: bytes.subarray(start, end), end }
}
