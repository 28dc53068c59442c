/** Sends mail through a mail server. */
import { isIP } from 'node:net'
import { getCACertificates } from 'node:tls'
import type { Transporter } from 'nodemailer'
import { badGateway } from '../core/errors.ts'

export interface MailServer {
  readonly host: string
  readonly port: number
  /** `starttls` sends nothing where the server does not offer it. */
  readonly tls: 'none' | 'starttls' | 'tls'
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** Authorities that are trusted beside the system's, as PEM. */
  readonly authorities: readonly string[]
  readonly verifyTls: boolean
  /** What this server calls itself. */
  readonly clientName: string
}

export interface Mail {
  /** Such as `Causeway <noreply@example.org>`, or the bare address. */
  readonly from: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly date: Date
}

export type SendMail = (mail: Mail) => Promise<void>

const TIMEOUT_MS = 20_000

/** The function that sends mail through `server`; it rejects with a 502 where the server does not take the mail. */
export function mailSender(server: MailServer): SendMail {
  let transport: Promise<Transporter> | undefined
  return async (mail) => {
    try {
      transport ??= transportTo(server)
      await (await transport).sendMail({ ...mail, headers: { 'Auto-Submitted': 'auto-generated' } })
    } catch (cause) {
      throw Object.assign(badGateway('The mail could not be sent'), { cause })
    }
  }
}

/** Loads what sends mail: a server that sends none has no use for the memory. */
async function transportTo(server: MailServer): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  const { host, port, tls, user, password = '', authorities, verifyTls, clientName } = server
  return createTransport({
    host,
    port,
    name: clientName,
    secure: tls === 'tls',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(user !== undefined && { auth: { user, pass: password } }),
    tls: {
      ca: [...getCACertificates('default'), ...authorities],
      rejectUnauthorized: verifyTls,
      // An IP address is never sent as SNI.
      ...(isIP(host) === 0 && { servername: host }),
    },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    // A mail is what it is given, never a file or a page that some text in it names.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}
