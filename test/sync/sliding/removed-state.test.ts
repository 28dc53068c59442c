import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../../schemas/ids.ts'
import { createSlidingSync, type SlidingStreams } from '../../../src/app/sync.ts'
import { Ending } from '../../../src/core/ending.ts'
import { answerTexts } from '../../../src/sync/sliding/answer-texts.ts'
import { RequiredState } from '../../../src/sync/sliding/required-state.ts'
import { syncServer } from '../support.ts'

const NO_STREAMS = { presenceStream: { parts: async () => [] } } as unknown as SlidingStreams

test('state that state resolution has removed is told as a stub, and a name that went with it as null', async () => {
  await using hs = await syncServer()
  const alice = await hs.user('alice')
  const roomId = await alice.createRoom()
  const { slidingSync } = createSlidingSync(hs.clock, hs.storage, hs.core, hs.streams, hs.syncing, NO_STREAMS)
  const userNid = await hs.storage.names.find(alice.id)
  assert.ok(userNid)
  const include = [{ type: 'test.state', stateKey: undefined }]
  const config = { timelineLimit: 1, requiredState: RequiredState.of([{ include, exclude: [], lazyMembers: false }]) }
  const ask = async (pos: string | undefined, stable: boolean) => {
    const request = {
      reader: { userNid, userId: alice.id as UserId, deviceNid: undefined },
      connId: '',
      pos,
      timeoutMs: 0,
      setPresence: 'offline' as const,
      lists: new Map([['all', { config, filters: {}, ranges: undefined }]]),
      subscriptions: new Map(),
      extensions: {},
    }
    const answer = await slidingSync.sync(request, new Ending())
    return JSON.parse((await answerTexts(answer, hs.storage.rooms, stable)).join(''))
  }
  const room = await hs.storage.rooms.find(roomId as never)
  assert.ok(room)
  const { stateRoot } = await hs.storage.rooms.head(room.nid)
  await alice.setState(roomId, 'test.state', { key: 1 }, 'of-test')
  await alice.setState(roomId, 'test.unwanted', {})
  await alice.setState(roomId, 'm.room.name', { name: 'Tea' })
  const { pos } = await ask(undefined, true)
  await hs.storage.db.write((batch) => hs.storage.stateJumps.add(batch, room.nid, stateRoot))
  const told = (await ask(pos, true)).rooms[roomId]
  assert.deepEqual([told.required_state, told.name], [[{ type: 'test.state', state_key: 'of-test' }], null])
  const unstable = (await ask(pos, false)).rooms[roomId]
  assert.deepEqual([unstable.required_state, unstable.name], [undefined, null])
})
