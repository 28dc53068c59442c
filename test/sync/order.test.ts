/** However a client comes to know a room, by whichever syncs, pages and devices: it shows it in the order of the server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testFederation, testHomeserver } from '../support/homeserver.ts'
import { Random } from '../support/random.ts'
import type { SeenEvent, TestUser } from '../support/user.ts'
import { RoomReader } from './room-reader.ts'
import { wholeTimeline } from './shown-timeline.ts'

const STEPS = 50

const idsOf = (events: unknown) => (events as SeenEvent[]).map(({ event_id: eventId }) => eventId)

/** Some events: messages above all. */
async function talk(random: Random, users: readonly TestUser[], roomId: string): Promise<void> {
  const sent: string[] = []
  for (let left = random.pick([1, 1, 2, 7, 30]); left > 0; left--) {
    const user = random.pick(users)
    const target = sent.at(-1)
    if (target !== undefined && random.chance(0.1)) {
      const like = { 'm.relates_to': { rel_type: 'm.annotation', event_id: target, key: `${sent.length}` } }
      sent.push(await user.send(roomId, like, 'm.reaction'))
    } else if (target !== undefined && random.chance(0.05))
      await users[0]?.ok('PUT', `rooms/${encodeURIComponent(roomId)}/redact/${target}/r${target.slice(1)}`, {})
    else sent.push(await user.send(roomId, String(left)))
  }
}

test('a room is shown in its order, however it is read', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  for (let seed = 1; seed <= 4; seed++) {
    const random = new Random(seed)
    const carol = await hs.user(`carol${seed}`)
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (const user of [bob, carol]) await user.join(room)
    if (seed % 2 === 0) await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'joined' })
    const reader = new RoomReader(random, carol, room)
    for (let step = 0; step < STEPS; step++) {
      if (random.chance(0.3)) await talk(random, [alice, bob], room)
      else await reader.step()
      reader.assertPartOf(await wholeTimeline(carol, room))
    }
    await reader.assertShows(() => wholeTimeline(carol, room))
  }
})

test('around each event, and from there on in both directions, a room is in its order', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const random = new Random(1)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  for (let times = 0; times < 8; times++) await talk(random, [alice, bob], room)
  const whole = await wholeTimeline(alice, room)
  const path = `rooms/${encodeURIComponent(room)}`
  for (const eventId of whole) {
    const { start, events_before: before, events_after: after, end } = await alice.ok('GET', `${path}/context/${eventId}?limit=5`)
    const limit = random.pick([3, 1_000])
    const page = async (dir: string, from: unknown) =>
      idsOf((await alice.ok('GET', `${path}/messages?dir=${dir}&from=${from}&limit=${limit}`))['chunk'])
    const found = [
      ...(await page('b', start)).toReversed(),
      ...idsOf(before).toReversed(),
      eventId,
      ...idsOf(after),
      ...(await page('f', end)),
    ]
    const place = whole.indexOf(found[0] ?? '')
    assert.deepEqual(found, whole.slice(place, place + found.length))
    if (limit === 1_000) assert.equal(found.length, whole.length)
  }
})

test('a room of two servers is shown in its order on the one that comes late, leaves and comes back', async () => {
  await using servers = await testFederation(2)
  const [hs1, hs2] = servers
  assert.ok(hs1 && hs2)
  const alice = await hs1.user('alice')
  for (let seed = 1; seed <= 2; seed++) {
    const random = new Random(seed)
    const carol = await hs2.user(`carol${seed}`)
    const room = await alice.createRoom({ preset: 'public_chat' })
    const hears = (user: TestUser, wanted: (event: SeenEvent) => boolean) =>
      user.syncUntil(({ rooms }) => rooms.join[room]?.timeline.events.find(wanted))
    const say = async (user: TestUser, other: TestUser) => {
      await talk(random, [user], room)
      const last = await user.send(room, 'over')
      await hears(other, (event) => event.event_id === last)
    }
    const leave = async () => {
      await carol.leave(room)
      await hears(alice, ({ content }) => content['membership'] === 'leave')
    }
    await talk(random, [alice], room)
    await carol.join(room, hs1.name)
    const reader = new RoomReader(random, carol, room)
    for (let step = 0; step < STEPS; step++) {
      const chance = random.next()
      if (chance < 0.15) await say(alice, carol)
      else if (chance < 0.25) await say(carol, alice)
      else if (chance < 0.28) {
        await leave()
        await talk(random, [alice], room)
        await carol.join(room, hs1.name)
      } else await reader.step()
      reader.assertPartOf(await wholeTimeline(alice, room))
    }
    await reader.assertShows(() => wholeTimeline(alice, room))
  }
})
