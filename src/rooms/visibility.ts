import type { UserId } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import { historyVisibilityOf, mayUserSee, type Sight } from '../protocol/history-visibility.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import { DUMMY_EVENT } from './ends.ts'
import type { RoomStates } from './state.ts'

/** Who asks to see events. */
export interface Viewer {
  readonly userNid: number
  readonly userId: UserId
}

export interface VisibilityParts {
  states: RoomStates
  memberships: Memberships
  timelines: Timelines
}

/** Applies history visibility to events out of storage. */
export class Visibility {
  readonly #parts: VisibilityParts

  constructor(parts: VisibilityParts) {
    this.#parts = parts
  }

  /** Those of the events, of one room or several, that the user may see, in the same order. */
  async visible(events: readonly StoredEvent[], viewer: Viewer): Promise<StoredEvent[]> {
    const sights = new Map<number, Sight>()
    const seen: StoredEvent[] = []
    for (const event of events) {
      if (event.standing !== 0 || event.type === DUMMY_EVENT) continue
      let sight = sights.get(event.stateBefore)
      if (!sight) {
        sight = await this.#sight(event.stateBefore, viewer)
        sights.set(event.stateBefore, sight)
      }
      if (mayUserSee(event, viewer.userId, sight, await this.#joinedLater(event, viewer))) seen.push(event)
    }
    return seen
  }

  /** Whether anybody who is not in the room may read it now. */
  async isWorldReadable(stateRoot: number): Promise<boolean> {
    return historyVisibilityOf(await this.#parts.states.get(stateRoot, 'm.room.history_visibility')) === 'world_readable'
  }

  async #sight(root: number, { userId }: Viewer): Promise<Sight> {
    const found = await this.#parts.states.many(root, [
      { type: 'm.room.history_visibility', stateKey: '' },
      { type: 'm.room.member', stateKey: userId },
    ])
    const member = found.find(({ type }) => type === 'm.room.member')
    return {
      visibility: historyVisibilityOf(found.find(({ type }) => type === 'm.room.history_visibility')),
      membership: member && stringAt(member.content, 'membership'),
    }
  }

  /** Whether the user joined after the event: they are joined now, or they were until they left, which was after it. */
  async #joinedLater(event: StoredEvent, { userNid, userId }: Viewer): Promise<boolean> {
    const record = await this.#parts.memberships.get(event.room.nid, userNid)
    if (record?.membership === 'join') return true
    if (record?.membership !== 'leave' && record?.membership !== 'ban') return false
    const position = await this.#parts.timelines.positionOf(event.room.nid, event.nid)
    if (position === undefined || position > record.position) return false
    const root = await this.#parts.states.rootBefore(record.eventNid)
    return (await this.#parts.states.membership(root, userId)) === 'join'
  }
}
