/** A mail server on this machine that keeps the mail it gets. */
import { createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

export interface ReceivedMail {
  readonly from: string
  readonly to: string
  readonly headers: ReadonlyMap<string, string>
  /** Decoded. */
  readonly text: string
}

export interface MailServerOptions {
  /** Offers STARTTLS, or speaks TLS from the start. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly fromTheStart?: boolean }
  /** What AUTH PLAIN must bring; nobody is let in without it. */
  readonly login?: { readonly user: string; readonly password: string }
  /** Answers this to every recipient. */
  readonly refusal?: string
}

/** Disposing stops it. */
export async function mailServer(options: MailServerOptions = {}) {
  const mails: ReceivedMail[] = []
  const waiting: ((mail: ReceivedMail) => void)[] = []
  const sockets = new Set<Socket>()
  const received = (mail: ReceivedMail) => {
    const next = waiting.shift()
    if (next) next(mail)
    else mails.push(mail)
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    const { tls } = options
    const session = tls?.fromTheStart
      ? new Session(encrypted(socket, tls), options, received, true)
      : new Session(socket, options, received, false)
    session.begin()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    /** Mail that nobody has taken yet. */
    mails,
    /** The next mail. */
    next: () =>
      new Promise<ReceivedMail>((resolve) => {
        const mail = mails.shift()
        if (mail) resolve(mail)
        else waiting.push(resolve)
      }),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function encrypted(socket: Socket, { cert, key }: { cert: string; key: string }): TLSSocket {
  const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert, key }) })
  secure.on('error', () => {})
  return secure
}

class Session {
  #socket: Socket
  readonly #options: MailServerOptions
  readonly #received: (mail: ReceivedMail) => void
  #isEncrypted: boolean
  #isIn: boolean
  #buffer = ''
  #data: string[] | undefined
  #from = ''
  #to = ''

  constructor(socket: Socket, options: MailServerOptions, received: (mail: ReceivedMail) => void, isEncrypted: boolean) {
    this.#socket = socket
    this.#options = options
    this.#received = received
    this.#isEncrypted = isEncrypted
    this.#isIn = options.login === undefined
  }

  begin(): void {
    this.#listen()
    this.#say('220 test ESMTP')
  }

  #listen(): void {
    this.#socket.on('data', (bytes) => {
      this.#buffer += bytes.toString('latin1')
      for (let end = this.#buffer.indexOf('\r\n'); end >= 0; end = this.#buffer.indexOf('\r\n')) {
        const line = this.#buffer.slice(0, end)
        this.#buffer = this.#buffer.slice(end + 2)
        if (this.#data) this.#onData(this.#data, line)
        else this.#onCommand(line)
      }
    })
  }

  #say(...lines: string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(''))
  }

  #onCommand(line: string): void {
    const { tls, login, refusal } = this.#options
    const verb = line.split(/[ :]/, 1)[0]?.toUpperCase()
    if (verb === 'EHLO') {
      const extensions = [...(tls && !this.#isEncrypted ? ['STARTTLS'] : []), 'AUTH PLAIN']
      this.#say('250-test at your service', ...extensions.slice(0, -1).map((name) => `250-${name}`), `250 ${extensions.at(-1)}`)
    } else if (verb === 'STARTTLS' && tls) this.#startTls(tls)
    else if (verb === 'AUTH') this.#logIn(line, login)
    else if (!this.#isIn) this.#say('530 Authentication required')
    else if (verb === 'MAIL') {
      this.#from = /<(.*)>/.exec(line)?.[1] ?? ''
      this.#say('250 Ok')
    } else if (verb === 'RCPT') {
      this.#to = /<(.*)>/.exec(line)?.[1] ?? ''
      this.#say(refusal ?? '250 Ok')
    } else if (verb === 'DATA') {
      this.#data = []
      this.#say('354 Go on')
    } else if (verb === 'QUIT') this.#socket.end('221 Bye\r\n')
    else this.#say('500 What?')
  }

  #startTls(tls: { cert: string; key: string }): void {
    this.#say('220 Go ahead')
    this.#socket.removeAllListeners('data')
    this.#socket = encrypted(this.#socket, tls)
    this.#isEncrypted = true
    this.#listen()
  }

  #logIn(line: string, login: MailServerOptions['login']): void {
    const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
      .toString('utf8')
      .split('\0')
    this.#isIn = login === undefined || (user === login.user && password === login.password)
    this.#say(this.#isIn ? '235 Welcome' : '535 No')
  }

  #onData(lines: string[], line: string): void {
    if (line !== '.') {
      // A dot that begins a line is sent twice, so that it ends nothing.
      lines.push(line.startsWith('.') ? line.slice(1) : line)
      return
    }
    this.#data = undefined
    this.#say('250 Queued')
    const end = lines.indexOf('')
    const headers = new Map(lines.slice(0, end).map((header) => splitHeader(header)))
    const text = decode(lines.slice(end + 1).join('\n'), headers.get('content-transfer-encoding'))
    this.#received({ from: this.#from, to: this.#to, headers, text })
  }
}

function decode(body: string, encoding: string | undefined): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8')
  if (encoding !== 'quoted-printable') return body
  const bytes = body.replaceAll('=\n', '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}
