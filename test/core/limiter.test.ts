import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Limiter } from '../../src/core/limiter.ts'

test('no more than the allowed number run at once, in order, and a failing task gives its place back', async () => {
  const limiter = new Limiter(2)
  const log: string[] = []
  const gates: (() => void)[] = []
  const task = (name: string) =>
    limiter.run(async () => {
      log.push(name)
      await new Promise<void>((resolve) => gates.push(resolve))
      if (name === 'a') throw new Error('a failed')
      return name
    })
  const results = ['a', 'b', 'c', 'd'].map(task)
  const first = assert.rejects(results[0] ?? Promise.resolve(), /a failed/)
  assert.deepEqual(log, ['a', 'b'])
  gates[0]?.()
  await first
  assert.deepEqual(log, ['a', 'b', 'c'])
  gates[1]?.()
  assert.equal(await results[1], 'b')
  assert.deepEqual(log, ['a', 'b', 'c', 'd'])
  gates[2]?.()
  gates[3]?.()
  assert.deepEqual(await Promise.all(results.slice(2)), ['c', 'd'])
  assert.equal(await limiter.run(async () => 'free again'), 'free again')
})
