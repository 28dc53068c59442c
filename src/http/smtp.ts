/** Sends mail through a mail server, by SMTP (RFC 5321) and no more of it than that takes: one message a connection. */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, getCACertificates } from 'node:tls'
import { badGateway } from '../core/errors.ts'

export interface MailServer {
  readonly host: string
  readonly port: number
  readonly tls: 'none' | 'starttls' | 'tls'
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** Authorities that are trusted beside the system's, as PEM. */
  readonly authorities: readonly string[]
  readonly verifyTls: boolean
  /** What this server calls itself. */
  readonly clientName: string
}

/** Addresses without name and brackets; `message` is a whole one in ASCII, with CRLF, no line of which begins with a dot. */
export interface Envelope {
  readonly from: string
  readonly to: string
  readonly message: string
}

export type SendMail = (envelope: Envelope) => Promise<void>

const TIMEOUT_MS = 20_000
const MAX_REPLY_LENGTH = 64 * 1024

/** The function that sends mail through `server`; it rejects with a 502 where the server does not take the mail. */
export function mailSender(server: MailServer): SendMail {
  return async (envelope) => {
    const dialogue = new Dialogue(server)
    try {
      await dialogue.send(envelope)
    } catch (cause) {
      throw Object.assign(badGateway('The mail could not be sent'), { cause })
    } finally {
      dialogue.close()
    }
  }
}

class Dialogue {
  readonly #server: MailServer
  #socket: Socket
  #received = ''
  #failure: Error | undefined
  #wake: () => void = () => {}

  constructor(server: MailServer) {
    this.#server = server
    this.#socket = server.tls === 'tls' ? this.#encrypted() : connect({ host: server.host, port: server.port })
    this.#listen()
  }

  async send({ from, to, message }: Envelope): Promise<void> {
    await this.#expect(220)
    await this.#greet()
    await this.#logIn()
    await this.#command(`MAIL FROM:<${from}>`, 250)
    await this.#command(`RCPT TO:<${to}>`, 250)
    await this.#command('DATA', 354)
    await this.#command(`${message}\r\n.`, 250)
    this.#socket.write('QUIT\r\n')
  }

  close(): void {
    this.#socket.destroySoon()
  }

  async #greet(): Promise<void> {
    const hello = `EHLO ${this.#server.clientName}`
    // Servers that only know the oldest form of the protocol are greeted in it.
    if ((await this.#command(hello)).code !== 250) await this.#command(`HELO ${this.#server.clientName}`, 250)
    if (this.#server.tls !== 'starttls') return
    await this.#command('STARTTLS', 220)
    // What came before encryption is not to be trusted.
    this.#received = ''
    this.#socket.removeAllListeners()
    this.#socket = this.#encrypted(this.#socket)
    this.#listen()
    await this.#command(hello, 250)
  }

  async #logIn(): Promise<void> {
    const { user, password = '' } = this.#server
    if (user === undefined) return
    await this.#command(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`, 235)
  }

  #encrypted(socket?: Socket): Socket {
    const { host, port, authorities, verifyTls } = this.#server
    const ca = [...getCACertificates('default'), ...authorities]
    // An IP address is never sent as SNI.
    const name = isIP(host) === 0 ? { servername: host } : {}
    return connectTls({ host, port, ...name, ca, rejectUnauthorized: verifyTls, ...(socket && { socket }) })
  }

  #listen(): void {
    const fail = (why: Error) => {
      this.#failure ??= why
      this.#wake()
    }
    this.#socket.setTimeout(TIMEOUT_MS, () => fail(new Error('The mail server is silent')))
    this.#socket.on('error', fail)
    this.#socket.on('close', () => fail(new Error('The mail server has closed the connection')))
    this.#socket.on('data', (bytes) => {
      this.#received += bytes.toString('latin1')
      if (this.#received.length > MAX_REPLY_LENGTH) fail(new Error('The reply of the mail server has no end'))
      this.#wake()
    })
  }

  async #command(line: string, expected?: number): Promise<{ code: number; text: string }> {
    this.#socket.write(`${line}\r\n`)
    return this.#expect(expected)
  }

  async #expect(expected?: number): Promise<{ code: number; text: string }> {
    const text = await this.#reply()
    const code = Number(text.slice(0, 3))
    if (expected !== undefined && code !== expected) throw new Error(`The mail server has answered: ${text.trim()}`)
    return { code, text }
  }

  /** A reply is done with the first line that has no hyphen after its code. */
  async #reply(): Promise<string> {
    for (;;) {
      const end = /^\d{3}(?: .*)?\r?\n/m.exec(this.#received)
      if (end) {
        const length = end.index + end[0].length
        const text = this.#received.slice(0, length)
        this.#received = this.#received.slice(length)
        return text
      }
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
