import assert from 'node:assert/strict'
import type { SeenEvent, SeenSync, TestUser } from '../support/user.ts'

/** A sync gives no more of a room than this; a round makes fewer events. */
const FILTER = JSON.stringify({ room: { timeline: { limit: 100 } } })

/** A client that follows its rooms with one sync after another and remembers what it was shown, across deaths of the server. */
export class Reader {
  readonly #user: TestUser
  readonly #seen = new Map<string, string[]>()
  #since: string | undefined

  constructor(user: TestUser) {
    this.#user = user
  }

  /** The ids of all events of a room that it was shown, in that order. */
  seen(roomId: string): readonly string[] {
    return this.#seen.get(roomId) ?? []
  }

  /** One sync, that waits at most so many milliseconds for news; says whether there were any. */
  async poll(timeout: number): Promise<boolean> {
    const query = new URLSearchParams({ timeout: String(timeout), filter: FILTER })
    if (this.#since !== undefined) query.set('since', this.#since)
    const answer = (await this.#user.ok('GET', `sync?${query}`)) as unknown as Partial<SeenSync> & Pick<SeenSync, 'next_batch'>
    const rooms = Object.entries(answer.rooms?.join ?? {})
    for (const [roomId, { timeline }] of rooms) {
      assert.notEqual(timeline?.limited, true, `A sync of ${this.#user.id} left out events of ${roomId}`)
      this.#seen.set(roomId, [...this.seen(roomId), ...(timeline?.events ?? []).map(({ event_id: id }) => id)])
    }
    this.#since = answer.next_batch
    return rooms.length > 0
  }

  /** Syncs until there is nothing new. */
  async catchUp(): Promise<void> {
    while (await this.poll(0));
  }

  /** All events of a room as /messages has them, oldest first. */
  async history(roomId: string): Promise<SeenEvent[]> {
    const events: SeenEvent[] = []
    for (let from: string | undefined, more = true; more; ) {
      const query = new URLSearchParams({ dir: 'b', limit: '100', ...(from !== undefined && { from }) })
      const page = await this.#user.ok('GET', `rooms/${encodeURIComponent(roomId)}/messages?${query}`)
      events.push(...(page['chunk'] as unknown as SeenEvent[]))
      more = typeof page['end'] === 'string'
      from = more ? String(page['end']) : undefined
    }
    return events.toReversed()
  }
}
