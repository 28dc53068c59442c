/** WebSockets, and what the rest of the server sees of them. https://www.rfc-editor.org/rfc/rfc6455 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { invalidParam, upgradeRequired } from '../core/errors.ts'
import type { Ending } from '../core/ending.ts'
import { RawResponse } from './reply.ts'

/** Clients say little. */
const MAX_MESSAGE_BYTES = 4 * 1024

/** The server's end of one socket. Once it is closed, what is sent is dropped. */
export interface WebSocketPort {
  /** A client does not take what it was sent: more should wait for `drained`. */
  readonly isFull: boolean
  /** How many bytes the system has taken so far. */
  readonly sentBytes: number
  /** Sends a message as `textFrame` has made it: one frame may go to many. */
  send(frame: Buffer): void
  ping(): void
  /** Says why and ends the connection. @param code of RFC 6455, or 4000 to 4999 @param reason at most 123 bytes */
  close(code: number, reason: string): void
  /** Ends the connection of a client that does not listen. */
  terminate(): void
}

/** What happens at the client's end. */
export interface WebSocketListener {
  /** A text message has come. */
  said(text: string): void
  /** The client is there: it has answered a ping, or sent one. */
  beat(): void
  /** What the port held back has been taken. */
  drained(): void
  /** @param code that of RFC 6455, 1006 where the connection broke @param reason what the other side says */
  closed(code: number, reason: string): void
}

/** The answer of a handler that goes on by messages, in a subprotocol that the client has to offer. */
export class SwitchingProtocols extends RawResponse {
  readonly protocol: string
  readonly open: (port: WebSocketPort) => WebSocketListener

  constructor(protocol: string, open: (port: WebSocketPort) => WebSocketListener) {
    super(101, {})
    this.protocol = protocol
    this.open = open
  }
}

/** Throws where a request is not one that can go on in that way. @param isUpgrade the connection can be taken over */
export function assertMaySwitch(request: IncomingMessage, { protocol }: SwitchingProtocols, isUpgrade: boolean): void {
  if (!isUpgrade) throw upgradeRequired()
  const offered = offeredProtocols(request.headers['sec-websocket-protocol'])
  if (!offered.includes(protocol)) throw invalidParam(`Offer the subprotocol ${protocol}`)
}

/** The subprotocols that a client offers, in its order. */
export function offeredProtocols(header: string | undefined): string[] {
  return header === undefined ? [] : header.split(',').map((name) => name.trim())
}

/** Shakes hands with clients whose requests have been accepted. */
export class WebSockets {
  readonly #chosen = new WeakMap<IncomingMessage, string>()
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    // Its buffers would cost each idle socket more than all the rest of it, and each message would be compressed anew for each reader.
    perMessageDeflate: false,
    handleProtocols: (_, request) => this.#chosen.get(request) ?? false,
  })

  /** Completes the handshake, or refuses what is none. `ending` comes when the server stops. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, answer: SwitchingProtocols, ending: Ending): void {
    this.#chosen.set(request, answer.protocol)
    this.#server.handleUpgrade(request, socket, head, (webSocket) => attach(webSocket, socket, answer, ending))
  }
}

function attach(webSocket: WebSocket, socket: Duplex, answer: SwitchingProtocols, ending: Ending): void {
  const listener = answer.open(new Port(webSocket, socket))
  webSocket.on('message', (data, isBinary) => {
    if (isBinary) webSocket.close(1003, 'Only text is understood')
    else listener.said(textOf(data))
  })
  webSocket.on('pong', () => listener.beat())
  webSocket.on('ping', () => listener.beat())
  // What breaks the rules of WebSockets is answered by `ws` with the code for it; then the socket closes.
  webSocket.on('error', () => undefined)
  socket.on('drain', () => listener.drained())
  const goingAway = () => webSocket.close(1001, 'The server stops')
  ending.listen(goingAway)
  webSocket.on('close', (code, reason) => {
    ending.forget()
    listener.closed(code, reason.toString())
  })
  if (ending.isOver) goingAway()
}

class Port implements WebSocketPort {
  readonly #webSocket: WebSocket
  readonly #socket: Duplex
  #written = 0

  constructor(webSocket: WebSocket, socket: Duplex) {
    this.#webSocket = webSocket
    this.#socket = socket
  }

  get isFull(): boolean {
    return this.#socket.writableNeedDrain
  }

  get sentBytes(): number {
    return this.#written - this.#socket.writableLength
  }

  send(frame: Buffer): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return
    this.#written += frame.length
    // Past `ws`, which would make the frame anew for each reader; what it writes itself are whole frames too.
    this.#socket.write(frame)
  }

  ping(): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.ping()
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason)
  }

  terminate(): void {
    this.#webSocket.terminate()
  }
}

/** A message as a frame of a server: not masked, in one piece. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const start = length < 126 ? 2 : length < 0x1_0000 ? 4 : 10
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = 0x81
  if (start === 2) frame[1] = length
  else if (start === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, start)
  return frame
}

/** `ws` gives buffers unless it is told otherwise. */
const textOf = (data: RawData): string => (Buffer.isBuffer(data) ? data.toString() : '')
