import type { UserId } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import { historyVisibilityOf, mayUserSee, type Sight } from '../protocol/history-visibility.ts'
import type { Events } from '../storage/events.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import type { IgnoredUsers } from '../users/ignored-users.ts'
import { DUMMY_EVENT } from './ends.ts'
import { endOfLastStay } from './last-stay.ts'
import type { RoomStates } from './state.ts'

/** Who asks to see events. */
export interface Viewer {
  readonly userNid: number
  readonly userId: UserId
}

export interface VisibilityParts {
  events: Events
  states: RoomStates
  memberships: Memberships
  timelines: Timelines
  ignoredUsers: IgnoredUsers
}

/**
 * Whether an event is shown to one who ignores these users. Servers must still send state events sent by ignored users to clients.
 * https://spec.matrix.org/v1.19/client-server-api/#ignoring-users
 */
export function isHeard({ isState, sender }: StoredEvent, ignored: ReadonlySet<string>): boolean {
  return isState || !ignored.has(sender)
}

/** What somebody has had to do with a room. */
interface Stay {
  /** The stream position at which they were last in it; undefined where they never were. */
  readonly end: number | undefined
  /** Whoever has forgotten a room sees what strangers see. */
  readonly isForgotten: boolean
}

/** Applies history visibility to events out of storage. */
export class Visibility {
  readonly #parts: VisibilityParts

  constructor(parts: VisibilityParts) {
    this.#parts = parts
  }

  /** Those of the events, of one room or several, that the user may see, in the same order. */
  async visible(events: readonly StoredEvent[], viewer: Viewer): Promise<StoredEvent[]> {
    const kinds = await this.#parts.states.kinds([
      { type: 'm.room.history_visibility', stateKey: '' },
      { type: 'm.room.member', stateKey: viewer.userId },
    ])
    const sights = new Map<number, Sight>()
    const stays = new Map<number, Stay>()
    const seen: StoredEvent[] = []
    for (const event of events) {
      if (event.standing !== 0 || event.type === DUMMY_EVENT) continue
      let sight = sights.get(event.stateBefore)
      if (!sight) {
        sight = await this.#sight(event.stateBefore, kinds)
        sights.set(event.stateBefore, sight)
      }
      const stay = stays.get(event.room.nid) ?? (await this.#stay(event.room.nid, viewer))
      stays.set(event.room.nid, stay)
      if (await this.#maySee(event, viewer, sight, stay)) seen.push(event)
    }
    return seen
  }

  /** As `visible`, without what users have said whom the viewer ignores. What they have done to the room's state stays. */
  async shown(events: readonly StoredEvent[], viewer: Viewer): Promise<StoredEvent[]> {
    const ignored = await this.#parts.ignoredUsers.of(viewer.userNid)
    const visible = await this.visible(events, viewer)
    return ignored.size === 0 ? visible : visible.filter((event) => isHeard(event, ignored))
  }

  /** Whether anybody who is not in the room may read it now. */
  async isWorldReadable(stateRoot: number): Promise<boolean> {
    return historyVisibilityOf(await this.#parts.states.get(stateRoot, 'm.room.history_visibility')) === 'world_readable'
  }

  /** @param kinds those of the history's visibility and of the viewer's membership */
  async #sight(root: number, kinds: readonly number[]): Promise<Sight> {
    const found = await this.#parts.states.ofKinds(root, kinds)
    const member = found.find(({ type }) => type === 'm.room.member')
    return {
      visibility: historyVisibilityOf(found.find(({ type }) => type === 'm.room.history_visibility')),
      membership: member && stringAt(member.content, 'membership'),
    }
  }

  async #stay(roomNid: number, { userNid, userId }: Viewer): Promise<Stay> {
    const record = await this.#parts.memberships.get(roomNid, userNid)
    if (!record || record.forgotten) return { end: undefined, isForgotten: record !== undefined }
    if (record.membership === 'join') return { end: Infinity, isForgotten: false }
    return { end: (await endOfLastStay(this.#parts, userId, record))?.position, isForgotten: false }
  }

  async #maySee(event: StoredEvent, { userId }: Viewer, sight: Sight, { end, isForgotten }: Stay): Promise<boolean> {
    if (isForgotten) return mayUserSee(event, '', { ...sight, membership: undefined }, false)
    return mayUserSee(event, userId, sight, await this.#joinedLater(event, end))
  }

  /** Whether the user joined after the event, if not before: their last stay ended after it, or has not. */
  async #joinedLater(event: StoredEvent, end: number | undefined): Promise<boolean> {
    if (end === undefined || end === Infinity) return end === Infinity
    const position = await this.#parts.timelines.positionOf(event.room.nid, event.nid)
    return position !== undefined && position <= end
  }
}
