/** https://spec.matrix.org/v1.19/client-server-api/#voice-over-ip */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { testHomeserver } from '../../support/homeserver.ts'

const uris = ['turn:turn.example.org:3478?transport=udp', 'turns:turn.example.org:443?transport=tcp']

test('users are let in by the TURN servers for as long as they are told', async () => {
  const config = { turn: { uris, shared_secret: 'a secret of two', lifetime_ms: 3_600_000 } }
  await using server = await testHomeserver({ config })
  const alice = await server.user('alice')
  const earliest = Math.floor(Date.now() / 1000) + 3_600
  const { username, password, ttl, ...rest } = await alice.ok('GET', 'voip/turnServer')
  const latest = Math.floor(Date.now() / 1000) + 3_600
  assert.deepEqual([ttl, rest], [3_600, { uris }])
  const [, expiry = '', userId] = /^([0-9]+):(.*)$/.exec(String(username)) ?? []
  assert.equal(userId, alice.id)
  assert.ok(Number(expiry) >= earliest && Number(expiry) <= latest)
  assert.equal(password, createHmac('sha1', 'a secret of two').update(String(username)).digest('base64'))
})
