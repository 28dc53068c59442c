import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import type { StoredEvent } from '../../src/storage/stored-event.ts'
import { FilterCompiler } from '../../src/sync/filter.ts'
import { LazyMembers, type LazyMembersParts } from '../../src/sync/lazy-members.ts'

const filter = new FilterCompiler().compile('{"room":{"state":{"lazy_load_members":true}}}')

/** The request of a device that goes on from position 5, or the answer up to there. */
const turnOf = (userNid: number, deviceNid: number, since?: number) => ({
  reader: { userNid, deviceNid, userId: '@a:test' as UserId },
  filter,
  since,
  fullState: false,
  stateMember: 'state' as const,
  timeoutMs: 0,
  setPresence: 'online' as const,
  upTo: 5,
  ignored: new Set<string>(),
})

const members = Array.from({ length: 10 }, (_, n) => ({
  type: 'm.room.member',
  kindNid: n,
  nid: 100 + n,
  stateKey: `@${n}:test`,
}))

test('what devices were sent is forgotten before it becomes too much, and then sent again', () => {
  const lazyMembers = new LazyMembers({} as LazyMembersParts, { ofOwner: 30, all: 50 })
  const send = (user: number, device: number, room: number) =>
    lazyMembers.remember(turnOf(user, device), room, members as unknown as StoredEvent[])
  const known = new Map(members.map(({ kindNid, nid }) => [kindNid, nid]))
  const has = (user: number, device: number, room: number) => lazyMembers.has(turnOf(user, device, 5), room, known)
  send(9, 90, 1)
  for (const [device, room] of [
    [10, 1],
    [10, 2],
    [11, 1],
  ] as const)
    send(1, device, room)
  assert.deepEqual([has(1, 10, 1), has(1, 10, 2), has(1, 11, 1)], [false, true, true], 'a user has an end')
  assert.equal(has(9, 90, 1), true, 'and takes nothing from others')
  for (const user of [2, 3]) send(user, 20, 1)
  assert.deepEqual([has(1, 10, 2), has(9, 90, 1), has(3, 20, 1)], [false, true, true], 'all together have one')
})
