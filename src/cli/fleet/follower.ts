import { type JsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import { OperatorError } from '../../core/operator-error.ts'
import { type FleetUser, objectsIn, textAt } from './user.ts'

const POLL_MS = 20_000
const SEEN_WITHIN_MS = 30_000
/** A sync that leaves out events would leave somebody waiting for them. */
const FILTER = JSON.stringify({ room: { timeline: { limit: 1000 } } })

/** A client of one user that follows its rooms, sync after sync. */
export class Follower {
  readonly user: FleetUser
  readonly #roomId: string
  /** When what was seen, by `performance.now()`. */
  readonly #seen = new Map<string, number>()
  readonly #waiting = new Map<string, (seenAt: number) => void>()
  readonly #onEvent: (event: JsonObject) => Promise<void>

  constructor(user: FleetUser, roomId: string, onEvent: (event: JsonObject) => Promise<void> = async () => {}) {
    this.user = user
    this.#roomId = roomId
    this.#onEvent = onEvent
  }

  /** Follows until a call of the user fails, or is ended by the user's signal; rejects then. */
  async run(): Promise<never> {
    for (let since = ''; ; ) {
      const answer = await this.user.call('GET', `sync?timeout=${POLL_MS}&filter=${encodeURIComponent(FILTER)}${since}`)
      const seenAt = performance.now()
      const joined = objectAt(objectAt(answer, 'rooms') ?? {}, 'join') ?? {}
      const room = objectAt(joined, this.#roomId) ?? {}
      for (const event of [...eventsOf(room, 'state'), ...eventsOf(room, 'timeline')]) this.#see(event, seenAt)
      for (const event of eventsOf(room, 'timeline')) await this.#onEvent(event)
      since = `&since=${encodeURIComponent(textAt(answer, 'next_batch'))}`
    }
  }

  /** When the user was shown it, by `performance.now()`. Rejects where that takes too long. */
  async seen(sight: string): Promise<number> {
    const seenAt = this.#seen.get(sight)
    if (seenAt !== undefined) return seenAt
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    this.#waiting.set(sight, resolve)
    const late = new OperatorError(`${this.user.id} was not shown ${sight} within ${SEEN_WITHIN_MS / 1000} s`)
    const timer = setTimeout(() => reject(late), SEEN_WITHIN_MS)
    return promise.finally(() => clearTimeout(timer))
  }

  #see(event: JsonObject, seenAt: number): void {
    for (const sight of sightsOf(event)) {
      this.#seen.set(sight, seenAt)
      this.#waiting.get(sight)?.(seenAt)
      this.#waiting.delete(sight)
    }
  }
}

/** An event, a user who has joined, the answer to an event. */
export const eventSight = (eventId: string): string => `event ${eventId}`
export const joinSight = (userId: string): string => `${userId} joining`
export const replySight = (eventId: string): string => `a reply to ${eventId}`

function sightsOf(event: JsonObject): string[] {
  const content = objectAt(event, 'content') ?? {}
  const hasJoined = event['type'] === 'm.room.member' && content['membership'] === 'join'
  const repliedTo = stringAt(objectAt(objectAt(content, 'm.relates_to') ?? {}, 'm.in_reply_to') ?? {}, 'event_id')
  return [
    eventSight(textAt(event, 'event_id')),
    ...(hasJoined ? [joinSight(textAt(event, 'state_key'))] : []),
    ...(repliedTo === undefined ? [] : [replySight(repliedTo)]),
  ]
}

const eventsOf = (room: JsonObject, part: 'state' | 'timeline'): JsonObject[] => objectsIn(objectAt(room, part)?.['events'])
