import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDevCa } from '../../src/core/dev-ca.ts'
import { type Mail, type MailServer, mailSender } from '../../src/http/smtp.ts'
import { type MailServerOptions, mailServer } from '../support/mail-server.ts'

const MAIL = {
  from: 'Our Server <us@example.org>',
  to: 'alice@example.org',
  subject: 'Hello',
  text: 'Good morning, Zoë\n.\nQUIT',
  date: new Date(0),
}

async function exchange(options: MailServerOptions, settings: Partial<MailServer>, mail: Partial<Mail> = {}) {
  await using server = await mailServer(options)
  const base = {
    host: '127.0.0.1',
    port: server.port,
    tls: 'none',
    authorities: [],
    verifyTls: true,
    clientName: 'us.test',
  } as const
  await mailSender({ ...base, ...settings })({ ...MAIL, ...mail })
  return server.mails
}

async function certificate() {
  const authority = await createDevCa()
  const { certificatePem: cert, keyPem: key } = await authority.issue(['127.0.0.1', 'localhost'])
  return { authorities: [authority.certificatePem], cert, key }
}

test('a mail goes through a plain connection', async () => {
  const [mail] = await exchange({}, {})
  assert.deepEqual([mail?.from, mail?.to, mail?.text], ['us@example.org', MAIL.to, MAIL.text])
  const header = (name: string) => mail?.headers.get(name)
  assert.deepEqual(['from', 'subject', 'date', 'auto-submitted', 'content-type'].map(header), [
    MAIL.from,
    'Hello',
    'Thu, 01 Jan 1970 00:00:00 +0000',
    'auto-generated',
    'text/plain; charset=utf-8',
  ])
  assert.match(header('message-id') ?? '', /^<[^>]+@example\.org>$/)
})

test('a subject is one header, and a text is a text', async () => {
  const [mail] = await exchange({}, {}, { text: 'data:text/plain,x', subject: 'Hello\r\nBcc: eve@example.org' })
  assert.deepEqual([mail?.headers.has('bcc'), mail?.text], [false, 'data:text/plain,x'])
})

test('a mail goes through TLS from the start, and through STARTTLS, with a login', async () => {
  const { authorities, cert, key } = await certificate()
  const login = { user: 'us', password: 'sésame' }
  const settings = { host: 'localhost', authorities, ...login }
  const first = await exchange({ tls: { cert, key, fromTheStart: true }, login }, { ...settings, tls: 'tls' })
  const second = await exchange({ tls: { cert, key }, login }, { ...settings, tls: 'starttls' })
  assert.deepEqual([first.length, second.length], [1, 1])
})

test('no mail goes where the server is not who it should be, offers no encryption, or refuses', async () => {
  const { cert, key } = await certificate()
  const refused = { status: 502, message: 'The mail could not be sent' }
  await assert.rejects(exchange({ tls: { cert, key } }, { tls: 'starttls' }), refused)
  await assert.rejects(exchange({ tls: { cert, key, fromTheStart: true } }, { tls: 'tls' }), refused)
  await assert.rejects(exchange({}, { tls: 'starttls' }), refused)
  await assert.rejects(exchange({ login: { user: 'us', password: 'right' } }, { user: 'us', password: 'wrong' }), refused)
  await assert.rejects(exchange({ refusal: '550 No such user' }, {}), refused)
  await assert.rejects(
    mailSender({ host: '127.0.0.1', port: 1, tls: 'none', authorities: [], verifyTls: true, clientName: 'us' })(MAIL),
    refused,
  )
})
