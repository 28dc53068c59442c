/** Events that come late, into gaps that were left for them: clients show all in the order in which it was said. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import type { Event } from '../../src/protocol/event.ts'
import { Random } from '../support/random.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import { logIn } from '../support/user.ts'
import { RoomReader } from '../sync/room-reader.ts'
import { besideRemote } from './support.ts'

const BOB = '@bob:remote.test' as UserId
const STEPS = 50
const TRANSACTION = 50

test('a room with gaps that are filled from elsewhere is shown in the order in which it was said', async () => {
  await using hs = await besideRemote()
  hs.remote.on('PUT', /\/v1\/send\//, () => ({ body: { pdus: {} } }))
  for (let seed = 1; seed <= 3; seed++) {
    const random = new Random(seed)
    const room = new RemoteRoom(hs.remote)
    room.join(BOB)
    const say = (count: number) => Array.from({ length: count }, (_, n) => room.say(`message ${n}`, { sender: BOB }))
    say(random.below(30))
    room.serveJoins()
    room.serveHistory()
    const alice = await logIn(hs.ours, `alice${seed}`)
    await alice.join(room.roomId, hs.remote.name)
    room.serveState()
    const send = async (events: readonly Event[]) => {
      for (let at = 0; at < events.length; at += TRANSACTION) {
        const refused = Object.values(await hs.send(events.slice(at, at + TRANSACTION))).filter(
          (result) => 'error' in Object(result),
        )
        assert.deepEqual(refused, [])
      }
    }
    /** Some are sent, some are given when they are asked for, and some come only by backfill. */
    const speak = async () => {
      const said = say(random.pick([1, 1, 3, 12, 40]))
      // What is sent is taken only where the sender has what it builds on.
      const lost = random.chance(0.5) ? random.below(Math.max(1, said.length - 1)) : 0
      room.serveMissing(said.slice(lost, -1))
      await send(lost > 0 ? said.slice(-1) : said)
    }
    // What one has scrolled to is there for the other, who may not have come to the gap yet.
    const readers = ['phone', 'tablet'].map((name) => new RoomReader(random, alice, room.roomId, name))
    const told = () => room.events.map(({ eventId }) => eventId)
    for (let step = 0; step < STEPS; step++) {
      if (random.chance(0.2)) await speak()
      else await random.pick(readers).step()
      for (const reader of readers) reader.assertPartOf(told())
    }
    for (const reader of readers) await reader.assertShows(async () => told())
  }
})
