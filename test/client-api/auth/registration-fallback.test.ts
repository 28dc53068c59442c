/** The page on which users of clients register that do not know our stages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { clientPage, submit } from '../../support/client-page.ts'
import { testHomeserver, type TestHomeserver } from '../../support/homeserver.ts'
import { call } from '../../support/user.ts'

const PATH = '/_matrix/static/client/register/'

/** Fills in the form; gives what the client's hook is called with, and what the page then says. */
async function registerOn(hs: TestHomeserver, fields: Record<string, string>, query: Record<string, string> = {}) {
  const given: unknown[][] = []
  const page = await clientPage(hs, PATH, query)
  const said = await submit(hs, page, fields, ({ matrixRegistration }) => {
    if (matrixRegistration) matrixRegistration['onRegistered'] = (...told: unknown[]) => given.push(told)
  })
  return { page, given, ...said }
}

const fields = { user: 'alice', password: 'a long password' }

test('it registers, and tells server, user and token', async () => {
  await using hs = await testHomeserver()
  const { given, said } = await registerOn(hs, fields, { device_id: 'GHTYAJCE' })
  assert.equal(said, 'You can close this page and go back to your client.')
  const [home, user, token, answer] = given[0] ?? []
  assert.deepEqual([home, user, (answer as JsonObject)['device_id']], [hs.name, `@alice:${hs.name}`, 'GHTYAJCE'])
  assert.equal((await call(hs, 'GET', 'account/whoami', undefined, String(token))).body['user_id'], user)
  const taken = await registerOn(hs, fields)
  assert.deepEqual([taken.given, taken.mistake], [[], 'That user ID is taken'])
})

test('it passes the stages that the server asks for, and says which it did not pass', async () => {
  const open = { enabled: true, require_verification: false, terms: { name: 'Rules', url: 'https://test.example/rules' } }
  await using hs = await testHomeserver({ config: { registration: open } })
  const { page, given } = await registerOn(hs, fields)
  assert.match(page.text, /https:\/\/test\.example\/rules/)
  assert.equal(given[0]?.[1], `@alice:${hs.name}`)
  await using careful = await testHomeserver({ config: { registration: { enabled: true, require_verification: true } } })
  const refused = await registerOn(careful, { ...fields, token: 'guess' })
  assert.match(refused.page.text, /Registration token/)
  assert.deepEqual([refused.given, refused.mistake], [[], 'The registration token is not valid'])
})

test('it says where nobody can register, and loads what a reCAPTCHA needs and nothing else', async () => {
  await using closed = await testHomeserver({ config: { registration: { enabled: false } } })
  assert.equal((await clientPage(closed, PATH)).status, 403)
  const recaptcha = { siteverify_url: 'http://127.0.0.1:1/', public_key: 'public', private_key: 'private' }
  await using hs = await testHomeserver({ config: { registration: { enabled: true, require_verification: false, recaptcha } } })
  const { text, policy } = await clientPage(hs, PATH)
  assert.match(text, /data-sitekey="public"/)
  assert.match(
    policy,
    /; script-src 'sha256-[^']+' https:\/\/www\.google\.com\/recaptcha\/ https:\/\/www\.gstatic\.com\/recaptcha\/;/,
  )
})
