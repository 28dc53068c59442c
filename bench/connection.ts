/** A keep-alive connection that costs a load process next to nothing: one request at a time, answers with a length. */
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')

export class Connection {
  readonly #socket: Socket
  readonly #host: string
  #waiting: PromiseWithResolvers<Answer> | undefined
  #received: Buffer[] = []
  #size = 0
  /** Of the answer that is coming in, headers included; unknown before its headers are there. */
  #expected = Number.POSITIVE_INFINITY
  #bodyAt = 0
  #status = 0

  constructor(url: string) {
    const { hostname, port, host } = new URL(url)
    this.#host = host
    this.#socket = connect(Number(port), hostname).setNoDelay()
    this.#socket.on('data', (chunk) => this.#receive(chunk))
    this.#socket.on('error', (cause) => this.#fail(cause))
    this.#socket.on('close', () => this.#fail(new Error('The server closed the connection')))
  }

  /** Rejects when the connection breaks before the answer is there. */
  request(method: string, path: string, token?: string, body?: string): Promise<Answer> {
    if (this.#socket.destroyed) return Promise.reject(new Error('The connection is closed'))
    this.#waiting = Promise.withResolvers<Answer>()
    const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
    const length = body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
    this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${authorization}${length}\r\n${body ?? ''}`)
    return this.#waiting.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#size += chunk.length
    if (this.#expected === Number.POSITIVE_INFINITY) this.#readHead()
    if (this.#size < this.#expected) return
    const body = joined(this.#received).subarray(this.#bodyAt)
    this.#received = []
    this.#size = 0
    this.#expected = Number.POSITIVE_INFINITY
    this.#waiting?.resolve({ status: this.#status, body })
  }

  #readHead(): void {
    const bytes = joined(this.#received)
    this.#received = [bytes]
    const end = bytes.indexOf(HEAD_END)
    if (end === -1) return
    const head = bytes.toString('latin1', 0, end)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length === undefined) return this.#fail(new Error(`An answer without a length: ${head}`))
    this.#status = Number(head.slice(9, 12))
    this.#bodyAt = end + HEAD_END.length
    this.#expected = this.#bodyAt + Number(length)
  }

  #fail(cause: Error): void {
    this.#waiting?.reject(cause)
    this.#socket.destroy()
  }
}

function joined(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}
