/** Restricted joins that lack the signature of the server which they name, in what is fetched from another server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import { logIn } from '../support/user.ts'
import { besideRemote } from './support.ts'

const CAROL = '@carol:remote.test' as UserId

async function setUp() {
  const hs = await besideRemote()
  const room = new RemoteRoom(hs.remote)
  const alice = await logIn(hs.ours, 'alice')
  const restrict = () => room.add('m.room.join_rules', { join_rule: 'restricted', allow: [] }, { stateKey: '' })
  // Only our server could have signed it.
  const content = { membership: 'join', join_authorised_via_users_server: '@anybody:test.example' }
  const joinUnsigned = () => room.add('m.room.member', content, { sender: CAROL, stateKey: CAROL })
  const join = async () => {
    room.serveJoins()
    await alice.ok('POST', `join/${encodeURIComponent(room.roomId)}?server_name=remote.test`, {})
  }
  const path = `rooms/${encodeURIComponent(room.roomId)}`
  const members = async () => Object.keys((await alice.ok('GET', `${path}/joined_members`))['joined'] ?? {}).sort()
  return { ...hs, room, alice, path, restrict, joinUnsigned, join, members }
}

test('in a gap they are kept as rejected, and so is what builds its authority on them', async () => {
  await using hs = await setUp()
  const { room, alice } = hs
  await hs.join()
  await hs.send([hs.restrict()])
  const gap = [hs.joinUnsigned(), room.say('by somebody who is not in', { sender: CAROL })]
  room.serveMissing(gap)
  const after = room.say('after it')
  const more = room.say('once more', { sender: CAROL })
  assert.deepEqual({ ...(await hs.send([after, more])) }, { [after.eventId]: {}, [more.eventId]: {} })
  assert.deepEqual(await alice.messages(room.roomId), ['after it'])
  assert.deepEqual(await hs.members(), [room.admin, alice.id].sort())
  assert.ok(!hs.remote.requests.some(({ url }) => url.includes('/event_auth/')), 'nothing is missing')
})

test('in the state of a room they let nobody in, and in its history they are passed over', async () => {
  await using hs = await setUp()
  const { room, alice } = hs
  room.say('first')
  hs.restrict()
  hs.joinUnsigned()
  room.say('by somebody who is not in', { sender: CAROL })
  room.add('m.room.join_rules', { join_rule: 'public' }, { stateKey: '', prev: room.events.slice(-1) })
  room.say('last')
  const history = room.events.toReversed()
  hs.remote.on('GET', /^\/_matrix\/federation\/v1\/backfill\//, () => ({
    body: { origin: hs.remote.name, origin_server_ts: 1, pdus: history.map(({ pdu }) => pdu) },
  }))
  room.serveState()
  await hs.join()
  assert.deepEqual(await hs.members(), [room.admin, alice.id].sort())
  assert.deepEqual(await alice.messages(room.roomId), ['first', 'last'])
})
