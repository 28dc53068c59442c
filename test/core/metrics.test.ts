import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheUse } from '../../src/core/cache-use.ts'
import { createMetrics, silentMetrics } from '../../src/core/metrics.ts'

test('what happened is exposed in the format of Prometheus, beside the metrics of the process', async () => {
  const metrics = createMetrics({ enabled: true })
  metrics.httpAnswered('GET', '/_matrix/client/versions', 200, 0.002)
  metrics.eventAccepted('local')
  metrics.committed(30, 0.001)
  const users = new CacheUse()
  metrics.watchCache('users', users)
  for (const found of ['alice', 'bob', undefined]) assert.equal(users.count(found), found)
  let waiting = 1
  metrics.watch('syncs_waiting', async () => waiting)
  waiting = 7
  const { contentType, body } = await metrics.expose()
  assert.match(contentType, /^text\/plain; version=/)
  for (const line of [
    'causeway_http_request_seconds_count{method="GET",route="/_matrix/client/versions",status="200"} 1',
    'causeway_events_total{from="local"} 1',
    'causeway_commit_operations_sum 30',
    'causeway_cache_total{cache="users",outcome="hit"} 2',
    'causeway_cache_total{cache="users",outcome="miss"} 1',
    'causeway_syncs_waiting 7',
  ]) {
    assert.ok(body.split('\n').includes(line), line)
  }
  assert.match(body, /^process_resident_memory_bytes \d+/m)
  assert.match(body, /^nodejs_eventloop_lag_p99_seconds /m)
})

test('two servers in one process do not share a registry', async () => {
  const [one, two] = [createMetrics({ enabled: true }), createMetrics({ enabled: true })]
  one.eventAccepted('remote')
  assert.match((await one.expose()).body, /causeway_events_total\{from="remote"\} 1/)
  assert.doesNotMatch((await two.expose()).body, /from="remote"/)
})

test('switched off, nothing is collected', async () => {
  assert.equal(createMetrics({ enabled: false }), silentMetrics)
  assert.equal((await silentMetrics.expose()).body, '')
})
