import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import { setupRoutes } from '../../src/admin/setup.ts'
import { Setup } from '../../src/admin/setup-page.ts'
import { invalidUsername } from '../../src/core/errors.ts'
import { testServer } from '../http/support.ts'

async function newServer() {
  const accounts: { name: string; password: string }[] = []
  const setup = new Setup({
    serverName: 'example.org',
    baseUrl: 'https://matrix.example.org',
    token: 'right',
    hasAccounts: async () => accounts.length > 0,
    createAdmin: async (name, password) => {
      if (name === '<b>') throw invalidUsername()
      accounts.push({ name, password })
      return `@${name}:example.org` as UserId
    },
  })
  const server = await testServer(setupRoutes(setup))
  const post = (token: string, fields: Record<string, string>) =>
    server.call('POST', `/_causeway/setup?token=${token}`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    })
  return {
    setup,
    accounts,
    post,
    get: (token: string) => server.call('GET', `/_causeway/setup?token=${token}`),
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  }
}

const alice = { name: 'alice', password: 'correct horse', repeated: 'correct horse' }

test('the link makes one administrator, and then nothing more', async () => {
  await using server = await newServer()
  assert.equal(server.setup.link, 'https://matrix.example.org/_causeway/setup?token=right')
  const form = await server.get('right')
  assert.equal(form.status, 200)
  assert.match(form.text, /<form method="post" action="\/_causeway\/setup\?token=right">/)
  const done = await server.post('right', alice)
  assert.equal(done.status, 200)
  assert.match(done.text, /Welcome, @alice:example\.org/)
  assert.deepEqual(server.accounts, [{ name: 'alice', password: 'correct horse' }])
  assert.equal((await server.get('right')).status, 403)
  assert.equal((await server.post('right', { ...alice, name: 'bob' })).status, 403)
  assert.equal(server.accounts.length, 1)
})

test('without the right token there is nothing', async () => {
  await using server = await newServer()
  for (const token of ['', 'wrong', 'righ', 'rightt']) {
    assert.equal((await server.get(token)).status, 403)
    assert.equal((await server.post(token, alice)).status, 403)
  }
  assert.deepEqual(server.accounts, [])
})

test('what is wrong stands above the form, which keeps the name', async () => {
  await using server = await newServer()
  const differ = await server.post('right', { ...alice, repeated: 'other' })
  assert.equal(differ.status, 400)
  assert.match(differ.text, /The two passwords differ/)
  assert.match(differ.text, /value="alice"/)
  const refused = await server.post('right', { ...alice, name: '<b>' })
  assert.equal(refused.status, 400)
  assert.match(refused.text, /That user name is not allowed/)
  assert.doesNotMatch(refused.text, /value="<b>"/)
  assert.deepEqual(server.accounts, [])
})

test('the pages allow no script, no frame and no referrer', async () => {
  await using server = await newServer()
  const { headers, text } = await server.get('right')
  assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/)
  assert.equal(headers['referrer-policy'], 'no-referrer')
  assert.doesNotMatch(text, /<script|onclick|javascript:/i)
})
