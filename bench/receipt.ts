/**
 * What an event costs on its way into a room, in CPU time: `node bench/receipt.ts [EVENTS]`.
 * Ratios are of turns taken one after the other in the same process.
 */
import type { KeyObject } from 'node:crypto'
import type { ServerName, UserId } from '../schemas/ids.ts'
import { parseJson } from '../src/core/json-text.ts'
import { PduChecks } from '../src/federation/pdus.ts'
import { SignatureChecks } from '../src/federation/signature-checks.ts'
import { eventVerifier } from '../src/federation/verify-events.ts'
import { buildEvent } from '../src/protocol/event-builder.ts'
import type { Pdu } from '../src/protocol/event.ts'
import { signEvent, signingKeyFromSeed, verifyKeyFrom } from '../src/protocol/signing.ts'
import type { Room } from '../src/storage/rooms.ts'
import { Replica } from '../test/support/replica.ts'
import { allThreadsMicros, mainThreadMicros, median, report } from './marks.ts'

const EVENTS = Number(process.argv[2] ?? 10_000)
const TRANSACTION = 50
const TURNS = 9
const PART = 500

const theirs = signingKeyFromSeed('one', new Uint8Array(32).fill(1))
const alice = '@alice:ours' as UserId
const bob = '@bob:other' as UserId
const memberNo = (n: number) => `@member${n}:ours` as UserId

/** A public room of alice and so many others, all of ours. */
async function roomOf(replica: Replica, members: number): Promise<Room> {
  const { roomId } = await replica.create('11', alice, [
    { type: 'm.room.power_levels', stateKey: '', content: { users: { [alice]: 100 } } },
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  const room = await replica.room(roomId)
  for (let start = 1; start < members; start += PART) {
    const writes: Promise<void>[] = []
    await replica.core.heads.locked(roomId, async () => {
      for (let n = start; n < Math.min(members, start + PART); n++) {
        const content = { membership: 'join' }
        const draft = { sender: memberNo(n), type: 'm.room.member', stateKey: memberNo(n), content }
        writes.push((await replica.core.sender.queue(room, draft)).written)
      }
    })
    await Promise.all(writes)
  }
  return room
}

const message = (sender: UserId, n: number) => ({
  sender,
  type: 'm.room.message',
  content: { msgtype: 'm.text', body: `Message number ${n}: some words of a usual message, as people write them all day long.` },
})

/** From the text of a transaction to the disk, with form, hashes and signatures. */
async function received(): Promise<void> {
  await using replica = new Replica('ours')
  const room = await roomOf(replica, 100)
  const join = { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join' } }
  await replica.send(room.roomId, join)
  const texts = await transactionTexts(replica, room)
  const key = verifyKeyFrom(theirs.publicKey)
  const keysFor = async (wanted: readonly unknown[]): Promise<(KeyObject | undefined)[]> => wanted.map(() => key)
  const checks = new PduChecks(eventVerifier({ keyRing: { knownKeys: keysFor, keysFor }, checks: new SignatureChecks() }))
  const receive = async (text: string) => {
    const { pdus } = parseJson(text) as { pdus: Pdu[] }
    const events = (await checks.each(pdus, room.rules)).flatMap((checked) => ('event' in checked ? [checked.event] : []))
    for (const { kind } of await replica.receiver.receive('other' as ServerName, room, events))
      if (kind !== 'accepted') throw new Error(kind)
  }
  const onMain: number[] = []
  const onAll = await allThreadsMicros(async () => {
    for (const text of texts) onMain.push((await mainThreadMicros(() => receive(text))) / TRANSACTION)
  })
  const warm = onMain.slice(onMain.length >> 2)
  report('receipt of a PDU, on the main thread, median', median(warm), 'us', 250)
  report('receipt of a PDU, on the main thread, mean', warm.reduce((a, b) => a + b, 0) / warm.length, 'us', 250)
  report('receipt of a PDU, on all threads', onAll / EVENTS, 'us')
}

/** Messages of bob, each on top of the one before it, in the texts of transactions. */
async function transactionTexts(replica: Replica, room: Room): Promise<string[]> {
  const first = await replica.core.sender.build(room, message(bob, 0))
  const { type, sender, roomId, authEvents, originServerTs } = first
  const texts: string[] = []
  let { depth, prevEvents } = first
  for (let start = 0; start < EVENTS; start += TRANSACTION) {
    const pdus: Pdu[] = []
    for (let n = start; n < start + TRANSACTION; n++) {
      const { content } = message(bob, n)
      const event = buildEvent({ type, sender, roomId, authEvents, originServerTs, content, depth, prevEvents }, first.rules)
      pdus.push(signEvent(event.pdu, first.rules, 'other', theirs))
      depth++
      prevEvents = [event.eventId]
    }
    texts.push(JSON.stringify({ origin: 'other', origin_server_ts: 1, pdus }))
  }
  return texts
}

/** A message in a large room against one in a small room. */
async function largeRoom(): Promise<void> {
  await using replica = new Replica('ours')
  const rooms = [await roomOf(replica, 10), await roomOf(replica, 10_000)]
  const ratios: number[] = []
  for (let turn = 0; turn < TURNS + 1; turn++) {
    const [small = 0, large = 0] = await inTurn(rooms, async (room) => {
      for (let n = 0; n < 300; n++) await replica.send(room.roomId, message(memberNo(1 + (n % 9)), n))
    })
    if (turn > 0) ratios.push(large / small)
  }
  report('a message among 10,000 members, against one among 10', median(ratios), 'times', 1.3)
}

/** Fifty who all write at once in one room, against fifty rooms with one writer each. */
async function manyWriters(): Promise<void> {
  await using replica = new Replica('ours')
  const shared = await roomOf(replica, 51)
  const own: Room[] = []
  for (let n = 0; n < 50; n++) own.push(await roomOf(replica, 2))
  const write = (roomOfWriter: (n: number) => { room: Room; user: UserId }) =>
    Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const { room, user } = roomOfWriter(n)
        for (let i = 0; i < 20; i++) await replica.send(room.roomId, message(user, i))
      }),
    )
  const ratios: number[] = []
  for (let turn = 0; turn < TURNS + 1; turn++) {
    const [apart = 0, together = 0] = await inTurn([false, true], (isShared) =>
      write((n) => (isShared ? { room: shared, user: memberNo(n + 1) } : { room: own[n] ?? shared, user: memberNo(1) })),
    )
    if (turn > 0) ratios.push(together / apart)
  }
  report('an event of 50 writers in one room, against those of 50 rooms', median(ratios), 'times', 1.3)
}

/** What each takes on all threads, in microseconds. */
async function inTurn<T>(things: readonly T[], task: (thing: T) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = []
  for (const thing of things) taken.push(await allThreadsMicros(() => task(thing)))
  return taken
}

await received()
await largeRoom()
await manyWriters()
