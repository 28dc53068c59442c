import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventLoopDelay } from '../../src/core/event-loop.ts'
import { checkHealth } from '../../src/core/health.ts'

const works = async () => 1
const fails = async () => Promise.reject(new Error('disk full'))
const isStuck = () => new Promise(() => undefined)

test('health is 200 when every part answers in time, else 503 without the reason', async () => {
  const never = new AbortController().signal
  assert.deepEqual(await checkHealth({ database: works }, never), {
    status: 200,
    body: { status: 'ok', parts: { database: 'ok' } },
  })
  assert.deepEqual(await checkHealth({ database: works, media: fails }, never), {
    status: 503,
    body: { status: 'failing', parts: { database: 'ok', media: 'failing' } },
  })
})

test('a part that does not answer counts as failing', async () => {
  assert.equal((await checkHealth({ database: isStuck }, AbortSignal.abort())).status, 503)
  const deadline = new AbortController()
  const health = checkHealth({ database: isStuck, media: works }, deadline.signal)
  deadline.abort()
  assert.deepEqual((await health).body.parts, { database: 'failing', media: 'ok' })
})

test('a delay of the event loop is remembered for a second or two', () => {
  let now = 0
  const histogram = { max: 0, reset: () => Object.assign(histogram, { max: 0 }), enable: () => true, disable: () => true }
  using delay = new EventLoopDelay(() => now, histogram)
  assert.equal(delay.worst(), 0)
  histogram.max = 120e6
  assert.equal(delay.worst(), 100)
  now = 1_000
  assert.equal(delay.worst(), 100)
  now = 1_900
  assert.equal(delay.worst(), 100)
  now = 2_000
  assert.equal(delay.worst(), 100)
  assert.equal(delay.worst(), 0)
})
