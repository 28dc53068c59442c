/** A client of sliding sync, over real HTTP. */
import type { JsonObject } from '../../../schemas/json.ts'
import type { TestUser } from '../../support/user.ts'

export interface SlidingEvent extends JsonObject {
  type: string
  sender: string
  event_id: string
  content: JsonObject
}

export interface SlidingRoom {
  readonly initial?: boolean
  readonly name?: string | null
  readonly avatar?: string | null
  readonly heroes?: { user_id: string; displayname?: string }[]
  readonly required_state?: SlidingEvent[]
  readonly timeline?: SlidingEvent[]
  readonly limited?: boolean
  readonly prev_batch?: string
  readonly num_live?: number
  readonly joined_count?: number
  readonly invited_count?: number
  readonly bump_stamp?: number
  readonly is_dm?: boolean
  readonly notification_count?: number
  readonly highlight_count?: number
  readonly invite_state?: SlidingEvent[]
  readonly unstable_expanded_timeline?: boolean
  readonly membership?: string
  readonly lists?: string[]
  readonly stripped_state?: SlidingEvent[]
}

export interface SlidingAnswer {
  readonly pos: string
  readonly lists: Record<string, { count: number }>
  readonly rooms: Record<string, SlidingRoom>
  readonly extensions: Record<string, JsonObject>
}

export const UNSTABLE = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'

/** One connection of a user. */
export class Slider {
  readonly user: TestUser
  readonly #connId: string
  pos: string | undefined

  constructor(user: TestUser, connId = 'room-list') {
    this.user = user
    this.#connId = connId
  }

  /** The path of the next request. */
  path(timeout?: number): string {
    const query = new URLSearchParams({
      ...(this.pos !== undefined && { pos: this.pos }),
      ...(timeout !== undefined && { timeout: String(timeout) }),
    })
    return `${UNSTABLE}?${query}`
  }

  /** One request that does not move on. */
  async ask(body: JsonObject, timeout?: number): Promise<SlidingAnswer> {
    return (await this.user.ok('POST', this.path(timeout), { conn_id: this.#connId, ...body })) as unknown as SlidingAnswer
  }

  async sync(body: JsonObject, timeout?: number): Promise<SlidingAnswer> {
    const answer = await this.ask(body, timeout)
    this.pos = answer.pos
    return answer
  }

  /** What the next answer says of a room. */
  async room(roomId: string, body: JsonObject, timeout?: number): Promise<SlidingRoom> {
    const { rooms } = await this.sync(body, timeout)
    const room = rooms[roomId]
    if (!room) throw new Error(`${this.user.id} heard nothing of ${roomId}, but of ${Object.keys(rooms)}`)
    return room
  }
}

/** What Element X requires of the rooms of its list. */
export const ELEMENT_X_STATE = [
  ['m.room.name', ''],
  ['m.room.encryption', ''],
  ['m.room.member', '$LAZY'],
  ['m.room.member', '$ME'],
  ['m.room.topic', ''],
  ['m.room.avatar', ''],
  ['m.room.canonical_alias', ''],
  ['m.room.power_levels', ''],
  ['org.matrix.msc3401.call.member', '*'],
  ['m.room.join_rules', ''],
  ['m.room.tombstone', ''],
  ['m.room.create', ''],
  ['m.room.history_visibility', ''],
  ['io.element.functional_members', ''],
  ['m.space.parent', '*'],
  ['m.space.child', '*'],
]

/** What Element X asks for first. */
export const elementX = (last: number): JsonObject => ({
  lists: { all_rooms: { ranges: [[0, last]], timeline_limit: 1, required_state: ELEMENT_X_STATE, filters: {} } },
  extensions: { account_data: { enabled: true }, receipts: { enabled: true, rooms: ['*'] }, typing: { enabled: true } },
})

export const listOf = (list: JsonObject, others: JsonObject = {}): JsonObject => ({
  lists: { all: { ranges: [[0, 99]], timeline_limit: 5, required_state: [], ...list } },
  ...others,
})

export const keysOf = (events: readonly SlidingEvent[] = []): string[] =>
  events.map(({ type, state_key: stateKey }) => `${type} ${String(stateKey)}`).sort()

export const bodiesOf = (events: readonly SlidingEvent[] = []): unknown[] =>
  events.flatMap(({ content }) => (content['body'] === undefined ? [] : [content['body']]))
