import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedResults } from '../../src/core/shared-results.ts'

test('work is done once for all who ask, and again where it failed', async () => {
  const results = new SharedResults<string, number>(10)
  let done = 0
  const work = async () => ++done
  assert.deepEqual(await Promise.all([results.get('a', work), results.get('a', work)]), [1, 1])
  assert.equal(await results.get('a', work), 1)
  await assert.rejects(results.get('b', () => Promise.reject(new Error('no'))))
  assert.equal(await results.get('b', work), 2)
})

test('results weigh what they turn out to, and heavy ones are not kept for long', async () => {
  const results = new SharedResults<number, string>({ max: 100, maxWeight: 20, weightOf: (text) => text.length })
  let done = 0
  const ask = (key: number, length: number) => results.get(key, async () => `${++done}`.padEnd(length))
  for (let key = 0; key < 10; key++) await ask(key, 1)
  await ask(0, 1)
  assert.equal(done, 10)
  for (let key = 10; key < 14; key++) await ask(key, 8)
  await ask(13, 8)
  assert.equal(done, 14)
  await ask(0, 1)
  assert.equal(done, 15)
})
