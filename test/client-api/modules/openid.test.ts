/** https://spec.matrix.org/v1.19/client-server-api/#openid */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testHomeserver } from '../../support/homeserver.ts'
import { call } from '../../support/user.ts'

test('an OpenID token is for its user, and is no access token', async () => {
  await using server = await testHomeserver()
  const alice = await server.user('alice')
  const issued = await alice.ok('POST', `user/${alice.id}/openid/request_token`, {})
  assert.deepEqual([issued['token_type'], issued['expires_in'], issued['matrix_server_name']], ['Bearer', 3600, server.name])
  const token = String(issued['access_token'])
  assert.equal((await call(server, 'GET', 'account/whoami', undefined, token)).status, 401)
  await alice.refused(403, 'M_FORBIDDEN', 'POST', `user/@bob:${server.name}/openid/request_token`, {})
})
