import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operationRoutes } from '../../src/admin/operations.ts'
import { landingRoute } from '../../src/client-api/discovery/landing.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { testServer } from '../http/support.ts'

test('health and metrics are served', async () => {
  let works = true
  const database = async () => {
    if (!works) throw new Error('no')
  }
  const metrics = createMetrics({ enabled: true })
  await using server = await testServer(operationRoutes({ metrics, probes: { database } }))
  const healthy = await server.call('GET', '/health')
  assert.deepEqual([healthy.status, healthy.json], [200, { status: 'ok', parts: { database: 'ok' } }])
  works = false
  const failing = await server.call('GET', '/health')
  assert.deepEqual([failing.status, failing.json], [503, { status: 'failing', parts: { database: 'failing' } }])
  metrics.eventAccepted('local')
  const scraped = await server.call('GET', '/metrics')
  assert.match(String(scraped.headers['content-type']), /^text\/plain; version=/)
  assert.match(scraped.text, /^causeway_events_total\{from="local"\} 1$/m)
})

test('the page at / says what runs here and how to connect, with every value escaped', async () => {
  const settings = { serverName: 'a.org', version: '1.2.3', baseUrl: 'https://m.a.org/"><script>', registrationOpen: false }
  await using server = await testServer([landingRoute(settings)])
  const { status, text, headers } = await server.call('GET', '/')
  assert.equal(status, 200)
  assert.match(String(headers['content-type']), /^text\/html/)
  assert.match(text, /<h1>a\.org<\/h1>/)
  assert.match(text, /Causeway 1\.2\.3/)
  assert.match(text, /<code>https:\/\/m\.a\.org\/&#34;&#62;&#60;script&#62;<\/code>/)
  assert.match(text, /registration is closed/)
  assert.doesNotMatch(text, /<script/)
})
