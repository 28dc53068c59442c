import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roomServer } from '../../support/room-server.ts'

test('rooms and users are reported by anybody, events by members', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }],
  })
  const event = await alice.send(room, 'rude')
  await bob.ok('POST', `rooms/${room}/report`, { reason: 'Makes me sad' })
  await bob.refused('M_NOT_FOUND', 'POST', 'rooms/!unknown:ours.test/report', { reason: '' })
  await bob.refused('M_NOT_FOUND', 'POST', `rooms/${room}/report/${event}`, { reason: 'Rude' })
  await alice.ok('POST', `rooms/${room}/report/${event}`, { reason: 'Sorry', score: -50 })
  await alice.ok('POST', `rooms/${room}/ban`, { user_id: bob.id })
  await bob.refused('M_NOT_FOUND', 'POST', `rooms/${room}/report/${event}`, { reason: 'Rude' })
  await alice.refused('M_NOT_FOUND', 'POST', `rooms/${room}/report/$${'A'.repeat(43)}`, {})
  await bob.ok('POST', `users/${alice.id}/report`, { reason: '' })
  await bob.refused('M_NOT_FOUND', 'POST', 'users/@nobody:ours.test/report', { reason: '' })
  const rows = await hs.storage.db.all<{ reason: string; score: number | null; user_id: string | null }>(
    'SELECT reason, score, user_id FROM reports ORDER BY report_id',
  )
  assert.deepEqual(rows, [
    { reason: 'Makes me sad', score: null, user_id: null },
    { reason: 'Sorry', score: -50, user_id: alice.id },
    { reason: '', score: null, user_id: alice.id },
  ])
})
