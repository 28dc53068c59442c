/** What the mails of the server say. */
import type { Mail } from '../http/smtp.ts'
import type { Purpose } from '../storage/validations.ts'

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
