import type { UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Events } from '../storage/events.ts'
import type { MembershipRecord, Memberships } from '../storage/memberships.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomStates } from './state.ts'

const TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
]

/** What helps a potential joiner to identify a room. https://spec.matrix.org/v1.19/client-server-api/#stripped-state */
export const strippedStateKeys = TYPES.map((type) => ({ type, stateKey: '' }))

/** The same for an invite: who invites is shown with their name. */
export const strippedStateKeysOf = (inviter: UserId) => [...strippedStateKeys, { type: 'm.room.member', stateKey: inviter }]

/** Stripped state events can only have these properties. */
export function stripped({ type, stateKey = '', sender, content }: StoredEvent): JsonObject {
  return { type, state_key: stateKey, sender, content }
}

export interface StrippedStatesParts {
  events: Events
  memberships: Memberships
  states: RoomStates
}

/** The stripped state that goes with invites and knocks. */
export class StrippedStates {
  readonly #parts: StrippedStatesParts

  constructor(parts: StrippedStatesParts) {
    this.#parts = parts
  }

  /** How the room looked when the user was invited or knocked, and the event that made them so. */
  async of(record: MembershipRecord): Promise<{ state: JsonObject[]; member: StoredEvent }> {
    const { events, memberships, states } = this.#parts
    const member = await events.get(record.eventNid)
    const given =
      member.stateBefore === 0
        ? await memberships.strippedState(record.roomNid, record.userNid)
        : (await states.many(member.stateBefore, strippedStateKeysOf(member.sender))).map(stripped)
    const others = given.filter((event) => event['type'] !== member.type || event['state_key'] !== member.stateKey)
    return { state: [...others, stripped(member)], member }
  }
}
