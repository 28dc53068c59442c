import assert from 'node:assert/strict'
import type { Random } from '../support/random.ts'
import type { SeenSync, TestUser } from '../support/user.ts'
import { ShownTimeline } from './shown-timeline.ts'
import { Slider } from './sliding/support.ts'

const LIMITS = [0, 1, 1, 2, 5, 20, 50]

/** Somebody who reads a room by all the ways there are. */
export class RoomReader {
  readonly #random: Random
  readonly #user: TestUser
  readonly #roomId: string
  readonly #name: string
  #slider: Slider
  #listed: number | undefined = 1
  #subscribed: number | undefined
  #since: string | undefined
  #timeline: ShownTimeline
  #devices = 0

  /** @param name of the connection: one of several readers of a user has its own */
  constructor(random: Random, user: TestUser, roomId: string, name = 'phone') {
    this.#random = random
    this.#user = user
    this.#roomId = roomId
    this.#name = name
    this.#slider = new Slider(user, name)
    this.#timeline = new ShownTimeline(user, roomId)
  }

  /** One thing that a client does. */
  async step(): Promise<void> {
    const random = this.#random
    const chance = random.next()
    if (chance < 0.4) return this.#slide()
    if (chance < 0.5) return this.#sync()
    if (chance < 0.8) return this.#timeline.scrollUp(random.pick([1, 3, 10, 20]))
    if (chance < 0.9) this.#subscribed = random.chance(0.7) ? random.pick(LIMITS) : undefined
    else if (chance < 0.94) this.#listed = random.chance(0.7) ? random.pick(LIMITS) : undefined
    else if (chance < 0.97) this.#slider.pos = undefined
    else this.#beNewDevice()
  }

  /** What is shown is right, as far as it goes. */
  assertPartOf(whole: readonly string[]): void {
    this.#timeline.assertPartOf(whole)
  }

  /** Syncs and scrolls up to the beginning: then all is shown. */
  async assertShows(whole: () => Promise<readonly string[]>): Promise<void> {
    this.#subscribed = 20
    await this.#slide()
    await this.#timeline.scrollToStart(this.#random.pick([5, 20]))
    assert.deepEqual(this.#timeline.eventIds, await whole())
  }

  /** Sliding sync; an answer may get lost. */
  async #slide(): Promise<void> {
    const body = {
      lists: this.#listed === undefined ? {} : { all: { ranges: [[0, 99]], ...config(this.#listed) } },
      room_subscriptions: this.#subscribed === undefined ? {} : { [this.#roomId]: config(this.#subscribed) },
    }
    if (this.#random.chance(0.2)) await this.#slider.ask(body)
    const { timeline: events, limited, prev_batch: prevBatch } = (await this.#slider.sync(body)).rooms[this.#roomId] ?? {}
    if (events) this.#timeline.take({ events, limited, prevBatch })
  }

  async #sync(): Promise<void> {
    const filter = JSON.stringify({ room: { timeline: { limit: this.#random.pick(LIMITS) } } })
    const query = new URLSearchParams({ filter, ...(this.#since !== undefined && { since: this.#since }) })
    const { next_batch: next, rooms } = (await this.#user.ok('GET', `sync?${query}`)) as unknown as SeenSync
    this.#since = next
    const { timeline } = rooms?.join?.[this.#roomId] ?? {}
    if (timeline) this.#timeline.take({ ...timeline, prevBatch: timeline.prev_batch })
  }

  #beNewDevice(): void {
    this.#slider = new Slider(this.#user, `${this.#name} ${++this.#devices}`)
    this.#since = undefined
    this.#timeline = new ShownTimeline(this.#user, this.#roomId)
  }
}

const config = (limit: number) => ({ timeline_limit: limit, required_state: [] })
