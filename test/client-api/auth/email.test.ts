/** E-mail addresses of accounts, over real HTTP and a real mail server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { type TestHomeserver, testHomeserver } from '../../support/homeserver.ts'
import { mailServer } from '../../support/mail-server.ts'
import { call, TestUser } from '../../support/user.ts'

const SECRET = 'a.client=secret_1-'

async function serverWithMail(registration: JsonObject = {}, settings: JsonObject = {}) {
  const stack = new AsyncDisposableStack()
  const mail = stack.use(await mailServer())
  const hs = stack.use(
    await testHomeserver({
      config: {
        email: { smtp_host: '127.0.0.1', smtp_port: mail.port, smtp_tls: 'none', from: 'Test <noreply@test.example>' },
        registration: { enabled: true, require_verification: false, ...registration },
        ...settings,
      },
    }),
  )
  return { hs, mail, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

type Server = Awaited<ReturnType<typeof serverWithMail>>

const request = ({ hs }: Server, path: string, email: string, extra: JsonObject = {}) =>
  call(hs, 'POST', `${path}/email/requestToken`, { client_secret: SECRET, email, send_attempt: 1, ...extra })

/** Asks for a mail; gives the session and the link in the mail. */
async function askForMail(server: Server, path: string, email: string, extra: JsonObject = {}) {
  const { status, body } = await request(server, path, email, extra)
  assert.equal(status, 200, JSON.stringify(body))
  const mail = await server.mail.next()
  return { mail, link: /http\S+/.exec(mail.text)?.[0] ?? '', proof: { sid: String(body['sid']), client_secret: SECRET } }
}

/** Opens the link in the mail, as the reader or a mail filter does. */
const open = async (link: string, method = 'GET') => {
  const response = await fetch(link, { method, redirect: 'manual' })
  return { status: response.status, location: response.headers.get('location'), text: await response.text() }
}

const emailAuth = (proof: JsonObject) => ({ type: 'm.login.email.identity', threepid_creds: proof })

const logInBy = (hs: TestHomeserver, identifier: JsonObject, password: string) =>
  call(hs, 'POST', 'login', { type: 'm.login.password', identifier, password })

const byAddress = (address: string) => ({ type: 'm.id.thirdparty', medium: 'email', address })

async function addEmail(server: Server, user: TestUser, email: string): Promise<void> {
  const { link, proof } = await askForMail(server, 'account/3pid', email)
  assert.equal((await open(link)).status, 200)
  await user.ok('POST', 'account/3pid/add', { ...proof, auth: ownerAuth(user) })
}

const ownerAuth = ({ id }: TestUser) => {
  const localpart = id.slice(1, id.indexOf(':'))
  return { type: 'm.login.password', identifier: { type: 'm.id.user', user: id }, password: `${localpart}'s password` }
}

test('an account is registered with an e-mail address, which then logs in', async () => {
  await using server = await serverWithMail({ require_verification: true })
  const { hs } = server
  const wish = { username: 'alice', password: 'a long password' }
  const asked = await call(hs, 'POST', 'register', wish)
  assert.deepEqual(asked.body['flows'], [{ stages: ['m.login.email.identity'] }, { stages: ['m.login.registration_token'] }])
  const { link, proof, mail } = await askForMail(server, 'register', ' Alice@Example.Org')
  assert.deepEqual([mail.from, mail.to], ['noreply@test.example', 'alice@example.org'])
  const auth = { ...emailAuth(proof), session: String(asked.body['session']) }
  const early = await call(hs, 'POST', 'register', { ...wish, auth })
  assert.deepEqual([early.status, early.body['errcode']], [401, 'M_THREEPID_AUTH_FAILED'])
  assert.equal((await open(link)).status, 200)
  const made = await call(hs, 'POST', 'register', { ...wish, auth })
  assert.equal(made.status, 200, JSON.stringify(made.body))
  assert.equal((await logInBy(hs, byAddress('ALICE@example.org'), wish.password)).status, 200)
  const again = await request(server, 'register', 'alice@example.org')
  assert.deepEqual([again.status, again.body['errcode']], [400, 'M_THREEPID_IN_USE'])
})

test('an address is added, listed, and removed', async () => {
  await using server = await serverWithMail()
  const [alice, bob] = await server.hs.users('alice', 'bob')
  await addEmail(server, alice, 'alice@example.org')
  const { threepids } = (await alice.ok('GET', 'account/3pid')) as { threepids: JsonObject[] }
  assert.deepEqual(
    threepids.map(({ medium, address }) => [medium, address]),
    [['email', 'alice@example.org']],
  )
  assert.equal((await request(server, 'account/3pid', 'alice@example.org')).body['errcode'], 'M_THREEPID_IN_USE')
  await alice.ok('POST', 'account/3pid/delete', { medium: 'email', address: 'Alice@example.org' })
  assert.deepEqual(await alice.ok('GET', 'account/3pid'), { threepids: [] })
  assert.equal((await logInBy(server.hs, byAddress('alice@example.org'), "alice's password")).status, 403)
  await addEmail(server, bob, 'alice@example.org')
})

test('a proof serves who has asked for it, for what it was asked, and once', async () => {
  await using server = await serverWithMail()
  const alice = await server.hs.user('alice')
  const { link, proof } = await askForMail(server, 'account/3pid', 'alice@example.org')
  await alice.refused(400, 'M_THREEPID_AUTH_FAILED', 'POST', 'account/3pid/add', { ...proof, auth: ownerAuth(alice) })
  assert.equal((await open(link)).status, 200)
  const guess = { ...proof, client_secret: 'another' }
  await alice.refused(400, 'M_THREEPID_AUTH_FAILED', 'POST', 'account/3pid/add', { ...guess, auth: ownerAuth(alice) })
  const wish = { username: 'eve', password: 'a long password', auth: emailAuth(proof) }
  assert.equal((await call(server.hs, 'POST', 'register', wish)).body['errcode'], 'M_THREEPID_AUTH_FAILED')
  const withoutOwner = await alice.call('POST', 'account/3pid/add', proof)
  assert.deepEqual([withoutOwner.status, withoutOwner.body['flows']], [401, [{ stages: ['m.login.password'] }]])
  await alice.ok('POST', 'account/3pid/add', { ...proof, auth: ownerAuth(alice) })
  await alice.refused(400, 'M_THREEPID_AUTH_FAILED', 'POST', 'account/3pid/add', { ...proof, auth: ownerAuth(alice) })
})

for (const isOn of [false, true]) {
  test(`the older endpoint adds an address without asking for the password ${isOn ? 'where it is let' : 'nowhere else'}`, async () => {
    await using server = await serverWithMail({}, { deprecated: { add_3pid_without_authentication: isOn } })
    const alice = await server.hs.user('alice')
    const { link, proof } = await askForMail(server, 'account/3pid', 'alice@example.org')
    assert.equal((await open(link)).status, 200)
    const { sid, client_secret: clientSecret } = proof
    const { status } = await alice.call('POST', 'account/3pid', { threePidCreds: { sid, clientSecret, idServer: 'id.example' } })
    assert.equal(status, isOn ? 200 : 403)
    assert.equal(((await alice.ok('GET', 'account/3pid'))['threepids'] as JsonObject[]).length, isOn ? 1 : 0)
  })
}

test('a mail is sent once an attempt, and the newest link counts', async () => {
  await using server = await serverWithMail()
  const first = await askForMail(server, 'account/3pid', 'alice@example.org')
  const repeated = await request(server, 'account/3pid', 'alice@example.org')
  assert.equal(repeated.body['sid'], first.proof.sid)
  assert.equal(server.mail.mails.length, 0)
  const next = { send_attempt: 2, next_link: 'https://client.example/done?x=1' }
  const second = await askForMail(server, 'account/3pid', 'alice@example.org', next)
  assert.equal(second.proof.sid, first.proof.sid)
  assert.equal((await open(first.link)).status, 404)
  const opened = await open(second.link)
  assert.deepEqual([opened.status, opened.location], [302, 'https://client.example/done?x=1'])
})

test('who reads the mail sets a new password, but no program that follows links does', async () => {
  await using server = await serverWithMail()
  const { hs } = server
  const alice = await hs.user('alice')
  await addEmail(server, alice, 'alice@example.org')
  assert.equal((await request(server, 'account/password', 'nobody@example.org')).body['errcode'], 'M_THREEPID_NOT_FOUND')
  const { link, proof } = await askForMail(server, 'account/password', 'alice@example.org')
  const change = () => call(hs, 'POST', 'account/password', { new_password: 'brand new', auth: emailAuth(proof) })
  assert.match((await open(link)).text, /<button>Confirm/)
  assert.equal((await change()).status, 401)
  assert.equal((await open(link, 'POST')).status, 200)
  assert.deepEqual(await change(), { status: 200, body: {} })
  assert.equal((await alice.call('GET', 'account/whoami')).status, 401)
  assert.equal((await logInBy(hs, byAddress('alice@example.org'), 'brand new')).status, 200)
  assert.equal((await change()).status, 401)
})

test('what is not an address, a client secret or a link is refused, and so are phone numbers', async () => {
  await using server = await serverWithMail()
  for (const email of ['alice', 'a@b@c', 'a b@example.org', 'alice@example.org>\r\nRCPT TO:<eve@example.org']) {
    assert.equal((await request(server, 'register', email)).body['errcode'], 'M_INVALID_PARAM', email)
  }
  const wrong = { client_secret: 'with a blank' }
  assert.equal((await request(server, 'register', 'a@example.org', wrong)).body['errcode'], 'M_INVALID_PARAM')
  const script = { next_link: 'javascript:alert(1)' }
  assert.equal((await request(server, 'register', 'a@example.org', script)).body['errcode'], 'M_INVALID_PARAM')
  const phone = { client_secret: SECRET, country: 'GB', phone_number: '07700900001', send_attempt: 1 }
  const answer = await call(server.hs, 'POST', 'register/msisdn/requestToken', phone)
  assert.equal(answer.body['errcode'], 'M_THREEPID_MEDIUM_NOT_SUPPORTED')
  assert.equal((await open(`${server.hs.url}/_causeway/email/validate?sid=x&token=y`)).status, 404)
  assert.equal(server.mail.mails.length, 0)
})

test('without a mail server nobody is sent mail', async () => {
  await using hs = await testHomeserver()
  const body = { client_secret: SECRET, email: 'a@example.org', send_attempt: 1 }
  const answer = await call(hs, 'POST', 'register/email/requestToken', body)
  assert.deepEqual([answer.status, answer.body['errcode']], [403, 'M_THREEPID_DENIED'])
})
