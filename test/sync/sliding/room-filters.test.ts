import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testHomeserver } from '../../support/homeserver.ts'
import { Slider } from './support.ts'

test('many lists of many spaces, named over and over, are answered', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  const child = await alice.createRoom()
  const space = await alice.createRoom({
    creation_content: { type: 'm.space' },
    initial_state: [child, ...Array.from({ length: 180 }, (_, n) => `!${n}:test.example`)].map((roomId) => ({
      type: 'm.space.child',
      state_key: roomId,
      content: { via: ['test.example'] },
    })),
  })
  const filters = { spaces: Array.from({ length: 20 }, () => space) }
  const lists = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`list ${n}`, { ranges: [[0, 9]], filters }]))
  const answer = await new Slider(alice).sync({ lists })
  assert.deepEqual(Object.keys(answer.rooms), [child])
  assert.ok(Object.values(answer.lists).every(({ count }) => count === 1))
})
