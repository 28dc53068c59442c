/** The messages that the server sends by mail, as RFC 5322 wants them. */
import { randomToken } from '../core/random.ts'
import type { Purpose } from '../storage/validations.ts'

export interface Mail {
  /** Such as `Causeway <noreply@example.org>`, or the bare address. */
  readonly from: string
  readonly to: string
  /** In ASCII. */
  readonly subject: string
  readonly text: string
  readonly date: Date
}

const WHY: Readonly<Record<Purpose, (server: string) => string>> = {
  register: (server) => `Somebody, you we hope, wants to register an account on ${server} with this address.`,
  password: (server) => `Somebody, you we hope, wants to set a new password for your account on ${server}.`,
  add: (server) => `Somebody, you we hope, wants to add this address to an account on ${server}.`,
}

const SUBJECTS: Readonly<Record<Purpose, (server: string) => string>> = {
  register: (server) => `Your registration on ${server}`,
  password: (server) => `A new password for ${server}`,
  add: (server) => `Your address for ${server}`,
}

/** The mail with the link that proves who reads the mail of an address. */
export function linkMail(purpose: Purpose, serverName: string, link: string): Pick<Mail, 'subject' | 'text'> {
  return {
    subject: SUBJECTS[purpose](serverName),
    text: `${WHY[purpose](serverName)}\n\nTo go on, open this link:\n\n${link}\n\nIf it was not you, do nothing: without the link nothing happens.\n`,
  }
}

/** The address without the name before it. */
export function bareAddress(from: string): string {
  return /<([^<>]*)>\s*$/.exec(from)?.[1] ?? from.trim()
}

/** The whole message; its body is in base64, so that no line of it means anything to a mail server. */
export function mailMessage({ from, to, subject, text, date }: Mail): string {
  const sender = bareAddress(from)
  const body = Buffer.from(text.replaceAll('\n', '\r\n')).toString('base64')
  const headers = [
    `From: ${from}`,
    `To: <${to}>`,
    `Subject: ${subject}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${randomToken(16)}@${sender.slice(sender.lastIndexOf('@') + 1)}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    'Auto-Submitted: auto-generated',
  ]
  return `${headers.join('\r\n')}\r\n\r\n${body.replace(/.{76}/g, '$&\r\n')}`
}
