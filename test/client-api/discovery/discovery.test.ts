import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilitiesRoutes } from '../../../src/client-api/capabilities/capabilities.ts'
import { type SupportOptions, supportRoutes } from '../../../src/client-api/discovery/support.ts'
import { versionsRoutes } from '../../../src/client-api/discovery/versions.ts'
import { wellknownRoutes } from '../../../src/client-api/discovery/wellknown.ts'
import { rtcRoutes } from '../../../src/client-api/modules/rtc.ts'
import { accountServer } from '../../support/accounts.ts'

const server = (support?: SupportOptions, livekitServiceUrls: string[] = []) =>
  accountServer(() => [
    ...versionsRoutes(),
    ...wellknownRoutes({ publicBaseUrl: 'https://matrix.example.org', livekitServiceUrls }),
    ...rtcRoutes({ livekitServiceUrls }),
    ...supportRoutes({ support }),
    ...capabilitiesRoutes({
      defaultRoomVersion: '12',
      mayChangeAddresses: false,
      delayedEventLimits: { maxDelayMs: 1, maxScheduled: 1 },
    }),
  ])

test('the versions have no holes, and the answer depends on who asks', async () => {
  await using hs = await server()
  const { headers, json } = await hs.call('GET', '/_matrix/client/versions')
  assert.deepEqual(
    json.versions,
    Array.from({ length: 19 }, (_, i) => `v1.${i + 1}`),
  )
  assert.equal(headers.vary, 'Authorization')
  const alice = await hs.user('alice')
  assert.equal((await hs.call('GET', '/_matrix/client/versions', undefined, alice)).status, 200)
})

test('the capabilities name all room versions', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const { capabilities } = (await hs.call('GET', 'capabilities', undefined, alice)).json
  assert.ok(typeof capabilities === 'object' && capabilities !== null && !Array.isArray(capabilities))
  const available = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [String(i + 1), 'stable']))
  assert.deepEqual(capabilities['m.room_versions'], { default: '12', available })
  assert.deepEqual(capabilities['m.change_password'], { enabled: true })
  assert.equal((await hs.call('GET', 'capabilities')).status, 401)
})

test('clients find the server', async () => {
  await using hs = await server()
  const { json, headers } = await hs.call('GET', '/.well-known/matrix/client')
  assert.deepEqual(json, { 'm.homeserver': { base_url: 'https://matrix.example.org' } })
  assert.equal(headers['access-control-allow-origin'], '*')
})

test('clients find where the media of calls go', async () => {
  const path = '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports'
  await using none = await server()
  assert.deepEqual((await none.call('GET', path, undefined, await none.user('alice'))).json, { rtc_transports: [] })
  await using some = await server(undefined, ['https://livekit.example.org/jwt'])
  const transports = [{ type: 'livekit', livekit_service_url: 'https://livekit.example.org/jwt' }]
  assert.deepEqual((await some.call('GET', path, undefined, await some.user('alice'))).json, { rtc_transports: transports })
  assert.equal((await some.call('GET', path)).status, 401)
  assert.deepEqual((await some.call('GET', '/.well-known/matrix/client')).json['org.matrix.msc4143.rtc_foci'], transports)
})

test('users find help, where there is any', async () => {
  await using none = await server()
  assert.equal((await none.call('GET', '/.well-known/matrix/support')).status, 404)
  await using empty = await server({ contacts: [] })
  assert.equal((await empty.call('GET', '/.well-known/matrix/support')).status, 404)
  await using some = await server({
    contacts: [{ role: 'm.role.admin', matrixId: '@admin:example.net' }],
    supportPage: 'https://example.org/help',
  })
  assert.deepEqual((await some.call('GET', '/.well-known/matrix/support')).json, {
    contacts: [{ role: 'm.role.admin', matrix_id: '@admin:example.net' }],
    support_page: 'https://example.org/help',
  })
})
