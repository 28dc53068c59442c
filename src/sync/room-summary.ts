import type { UserId } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import { SharedResults } from '../core/shared-results.ts'
import type { RoomStates } from '../rooms/state.ts'
import type { Memberships } from '../storage/memberships.ts'

const HEROES = 5

export interface RoomSummariesParts {
  states: RoomStates
  memberships: Memberships
}

/** What clients need to name a room and to count its members. */
export interface RoomSummary {
  readonly joined: number
  readonly invited: number
  /** Undefined where the room has a name; clients draw the picture of a room with just an alias from them. */
  readonly heroes: readonly UserId[] | undefined
}

/** As it is for all readers: one hero too many, since nobody is a hero to themselves. */
interface SharedSummary {
  readonly joined: number
  readonly invited: number
  readonly present: readonly UserId[] | undefined
}

/** Room summaries, worked out once for each state of a room. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync_response-200_roomsummary */
export class RoomSummaries {
  readonly #parts: RoomSummariesParts
  readonly #shared = new SharedResults<number, SharedSummary>(5_000)

  constructor(parts: RoomSummariesParts) {
    this.#parts = parts
  }

  /** The summary of the room whose current state has the root `stateRoot`. */
  async of(roomNid: number, stateRoot: number, reader: UserId): Promise<RoomSummary> {
    const { joined, invited, present } = await this.#shared.get(stateRoot, () => this.#load(roomNid, stateRoot))
    return { joined, invited, heroes: present && (await this.#heroes(roomNid, present, reader)) }
  }

  async #load(roomNid: number, stateRoot: number): Promise<SharedSummary> {
    const { memberships, states } = this.#parts
    const members = await memberships.members(roomNid)
    const name = stringAt(await states.content(stateRoot, 'm.room.name'), 'name')
    return {
      joined: members.joined.size,
      invited: await memberships.invitedCount(roomNid),
      present: name ? undefined : await memberships.first(roomNid, 'join', 'invite', HEROES + 1),
    }
  }

  /** The list must never include the client's own user ID; with nobody else there, it consists of those who left. */
  async #heroes(roomNid: number, present: readonly UserId[], reader: UserId): Promise<UserId[]> {
    const others = present.filter((userId) => userId !== reader)
    const heroes = others.length > 0 ? others : await this.#parts.memberships.first(roomNid, 'leave', 'ban', HEROES + 1)
    return heroes.filter((userId) => userId !== reader).slice(0, HEROES)
  }
}
