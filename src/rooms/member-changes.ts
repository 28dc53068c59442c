import { serverOf, type ServerName, type UserId } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import { slicesOf } from '../core/slices.ts'
import type { Batch } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import { parseKind } from '../storage/kind.ts'
import type { Membership, Memberships } from '../storage/memberships.ts'
import type { Names, ResolvedNames } from '../storage/names.ts'
import type { Room } from '../storage/rooms.ts'
import type { StateMaps } from '../storage/state.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { StickyConsequences, StickyEvents } from './sticky-events.ts'

/** A user whose member event in the current state changes: to another one, or to none. */
export interface MemberChange {
  readonly userId: UserId
  readonly event: Pick<StoredEvent, 'nid' | 'content'> | undefined
}

/** Changes made ready for a batch. */
export interface MemberChanges {
  readonly changes: readonly MemberChange[]
  readonly users: ResolvedNames
  readonly sticky: StickyConsequences | undefined
}

export interface CurrentMembersParts {
  serverName: ServerName
  names: Names
  events: Events
  maps: StateMaps
  memberships: Memberships
  sticky: StickyEvents
}

/** Events that are read between two turns of the event loop. */
const PART = 500

/** Keeps the memberships of rooms as their current states say. */
export class CurrentMembers {
  readonly #parts: CurrentMembersParts

  constructor(parts: CurrentMembersParts) {
    this.#parts = parts
  }

  async prepare(room: Room, changes: readonly MemberChange[]): Promise<MemberChanges> {
    const { names, sticky } = this.#parts
    const users = await names.resolve(changes.map(({ userId }) => userId))
    return { changes, users, sticky: changes.length === 0 ? undefined : await sticky.consequences(room, changes) }
  }

  /** What changes from one state to another; users of other servers come first: of those who join, our own are told to the servers that are there. */
  async between(before: number, after: number): Promise<MemberChange[]> {
    const { maps, names, events } = this.#parts
    const differences = await maps.difference(before, after)
    const changes: MemberChange[] = []
    for await (const part of slicesOf(differences, PART)) {
      const kinds = await names.namesOf(part.map(({ kind }) => kind))
      const members = part.flatMap(({ kind, after: nid }) => {
        const { type, stateKey = '' } = parseKind(kinds.get(kind) ?? '')
        return type === 'm.room.member' ? [{ userId: stateKey as UserId, nid }] : []
      })
      const stored = await events.byNids(members.flatMap(({ nid }) => nid ?? []))
      for (const { userId, nid } of members) changes.push({ userId, event: nid === undefined ? undefined : stored.get(nid) })
    }
    const isOurs = ({ userId }: MemberChange) => serverOf(userId) === this.#parts.serverName
    return [...changes.filter((change) => !isOurs(change)), ...changes.filter(isOurs)]
  }

  apply(batch: Batch, room: Room, { changes, users, sticky }: MemberChanges): void {
    const { memberships } = this.#parts
    if (sticky) {
      const userNids = changes.map(({ userId }) => users.nid(batch, userId))
      this.#parts.sticky.apply(batch, room, sticky, userNids)
    }
    for (const { userId, event } of changes) {
      const user = { nid: users.nid(batch, userId), userId }
      const membership = event && stringAt(event.content, 'membership')
      if (event && isMembership(membership)) memberships.set(batch, room.nid, user, membership, event.nid)
      else memberships.remove(batch, room.nid, user)
    }
  }
}

/** The change that a member event by itself makes, if it is one. */
export function changeBy(event: Pick<StoredEvent, 'nid' | 'type' | 'stateKey' | 'content'>): MemberChange[] {
  const { type, stateKey } = event
  return type === 'm.room.member' && stateKey !== undefined ? [{ userId: stateKey as UserId, event }] : []
}

function isMembership(value: string | undefined): value is Membership {
  return value === 'join' || value === 'invite' || value === 'leave' || value === 'ban' || value === 'knock'
}
