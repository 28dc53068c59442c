import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testFederation } from '../support/homeserver.ts'
import { listOf, Slider } from './sliding/support.ts'

test('the timeline of a room is limited where its beginning is on other servers', async () => {
  await using servers = await testFederation(2)
  const [hs1, hs2] = servers
  assert.ok(hs1 && hs2)
  const [alice, bob] = [await hs1.user('alice'), await hs2.user('bob')]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room, hs1.name)
  assert.equal((await bob.sync()).rooms.join[room]?.timeline.limited, true)
  assert.equal((await new Slider(bob).room(room, listOf({ timeline_limit: 20 }))).limited, true)
  assert.equal((await alice.sync()).rooms.join[room]?.timeline.limited, false)
  assert.equal((await new Slider(alice).room(room, listOf({ timeline_limit: 20 }))).limited, false)
  await bob.messages(room)
  assert.equal((await new Slider(bob, 'later').room(room, listOf({ timeline_limit: 20 }))).limited, false)
})
