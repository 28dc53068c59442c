/**
 * Kills a server at work, again and again, and looks whether it kept its word: what was acknowledged is there, once, in one
 * order for everybody; a repeated request gives the event of the first; a sync goes on where it was.
 */
import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { freePorts } from '../support/ports.ts'
import { CHECKED, ServerProcess } from '../support/server-process.ts'
import { logIn, type TestUser } from '../support/user.ts'
import { Reader } from './reader.ts'

const NAME = 'crash.example'
const USERS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
const ROOMS = 3
/** The kill comes after so many acknowledgements at most, and so many milliseconds more. */
const MAX_ACKNOWLEDGED = 120
const MAX_DELAY_MS = 12

/** One send: what has no event id was not acknowledged. */
interface Sent {
  readonly user: TestUser
  readonly roomId: string
  readonly transaction: string
  eventId?: string
}

export interface Round {
  readonly acknowledged: number
  /** Sends that were under way when the server died, and those of them that had become durable. */
  readonly interrupted: number
  readonly survivors: number
  /** Events of all rooms, after the round. */
  readonly events: number
}

export class CrashTest implements AsyncDisposable {
  readonly #server: ServerProcess
  readonly #random: () => number
  readonly #users: readonly TestUser[]
  readonly #rooms: readonly string[]
  readonly #readers: readonly Reader[]
  /** The event ids of each room after the last round. */
  readonly #histories = new Map<string, readonly string[]>()
  readonly #sent: Sent[] = []
  #transactions = 0

  private constructor(server: ServerProcess, random: () => number, users: readonly TestUser[], rooms: readonly string[]) {
    this.#server = server
    this.#random = random
    this.#users = users
    this.#rooms = rooms
    this.#readers = users.map((user) => new Reader(user))
  }

  /** A new server with some users in some rooms. */
  static async start(seed: number): Promise<CrashTest> {
    const [port = 0] = await freePorts(1)
    const registration = { enabled: true, require_verification: false }
    const server = await ServerProcess.start({ name: NAME, config: { listeners: [{ port }], registration }, program: CHECKED })
    const users = await Promise.all(USERS.map((name) => logIn({ url: server.url, name: NAME }, name)))
    const rooms: string[] = []
    for (let i = 0; i < ROOMS; i++) {
      const [owner, ...others] = users
      assert.ok(owner)
      const roomId = await owner.createRoom({ preset: 'public_chat' })
      for (const user of others) await user.join(roomId)
      rooms.push(roomId)
    }
    return new CrashTest(server, randomOf(seed), users, rooms)
  }

  /** Load, death, resurrection and all the questions afterwards. */
  async round(): Promise<Round> {
    const sent = await this.#loadUntilKilled()
    await this.#server.start()
    const acknowledged = sent.filter(({ eventId }) => eventId !== undefined)
    const durable = new Set((await this.#allHistories()).map(({ id }) => id))
    for (const { eventId = '' } of acknowledged) assert.ok(durable.has(eventId), `${eventId} was acknowledged and is lost`)
    const interrupted = sent.filter(({ eventId }) => eventId === undefined)
    await this.#repeat(sent)
    this.#sent.push(...sent)
    await this.#check()
    const survivors = interrupted.filter(({ eventId = '' }) => durable.has(eventId)).length
    const events = [...this.#histories.values()].reduce((sum, { length }) => sum + length, 0)
    return { acknowledged: acknowledged.length, interrupted: interrupted.length, survivors, events }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]()
  }

  /** Everybody sends and syncs; the server is killed at a random moment. */
  async #loadUntilKilled(): Promise<Sent[]> {
    const sent: Sent[] = []
    const enough = Promise.withResolvers<void>()
    const until = Math.floor(this.#random() * MAX_ACKNOWLEDGED)
    const delayMs = this.#random() * MAX_DELAY_MS
    const killed = new AbortController()
    let acknowledged = 0
    /** Errors count only while the server lives. */
    const lane = async (step: () => Promise<unknown>) => {
      while (!killed.signal.aborted) {
        try {
          await step()
        } catch (cause) {
          if (!killed.signal.aborted) return enough.reject(cause)
        }
      }
    }
    const send = async (user: TestUser) => {
      const next: Sent = { user, roomId: this.#pick(this.#rooms), transaction: `t${this.#transactions++}` }
      sent.push(next)
      next.eventId = await request(next)
      if (++acknowledged > until) enough.resolve()
    }
    const lanes = [
      // Two devices' worth of sends for each user, so that a user's own events run side by side too.
      ...[...this.#users, ...this.#users].map((user) => lane(() => send(user))),
      ...this.#readers.map((reader) => lane(() => reader.poll(1_000))),
    ]
    await enough.promise
    await setTimeout(delayMs)
    killed.abort()
    await this.#server.end('SIGKILL')
    await Promise.all(lanes)
    return sent
  }

  /** Every request of the round once more, as a client does that has seen no answer. */
  async #repeat(sent: readonly Sent[]): Promise<void> {
    for (const each of sent) {
      const eventId = await request(each)
      if (each.eventId !== undefined) assert.equal(eventId, each.eventId, `${each.transaction} made a second event`)
      each.eventId = eventId
    }
  }

  /** Everything that was ever sent is there once; nothing that was there before has gone or moved; all readers agree. */
  async #check(): Promise<void> {
    const all = await this.#allHistories()
    const sentIds = this.#sent.map(({ eventId }) => eventId)
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length, 'An event is in /messages twice')
    assert.deepEqual(
      all.flatMap(({ body }) => body ?? []).sort(),
      this.#sent.map(({ transaction }) => transaction).sort(),
      'Not every message is there once',
    )
    assert.equal(new Set(sentIds).size, sentIds.length, 'Two transactions gave one event')
    await Promise.all(this.#readers.map((reader) => reader.catchUp()))
    for (const roomId of this.#rooms) {
      const history = all.filter((event) => event.roomId === roomId).map(({ id }) => id)
      const before = this.#histories.get(roomId) ?? []
      assert.deepEqual(history.slice(0, before.length), before, 'The past has changed')
      for (const reader of this.#readers) assert.deepEqual(reader.seen(roomId), history, 'A sync and /messages differ')
      this.#histories.set(roomId, history)
    }
  }

  async #allHistories(): Promise<{ roomId: string; id: string; body: string | undefined }[]> {
    const histories = await Promise.all(
      this.#rooms.map(async (roomId) => {
        const events = await this.#pick(this.#readers).history(roomId)
        return events.map(({ event_id: id, type, content }) => {
          const body = type === 'm.room.message' ? String(content['body']) : undefined
          return { roomId, id, body }
        })
      }),
    )
    return histories.flat()
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random() * items.length)]
    assert.ok(item !== undefined)
    return item
  }
}

async function request({ user, roomId, transaction }: Sent): Promise<string> {
  const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${transaction}`
  return String((await user.ok('PUT', path, { msgtype: 'm.text', body: transaction }))['event_id'])
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
