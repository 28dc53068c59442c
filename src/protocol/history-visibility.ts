/**
 * Who may see which event of a room.
 * https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
import { serverOf } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import type { Event } from './event.ts'

export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined'

/** What a state says about a reader: the visibility of the history, and the reader's membership, if there ever was one. */
export interface Sight {
  readonly visibility: HistoryVisibility
  readonly membership: string | undefined
}

/** What decides about an event by itself. */
export type SeenEvent = Pick<Event, 'type' | 'stateKey' | 'content'>

/**
 * The visibility that an `m.room.history_visibility` event sets, or undefined where there is none.
 * If no history_visibility is set, or if the value is not understood, the visibility is assumed to be shared.
 */
export function historyVisibilityOf(event: Pick<Event, 'content'> | undefined): HistoryVisibility {
  const value = event && stringAt(event.content, 'history_visibility')
  return value === 'world_readable' || value === 'invited' || value === 'joined' ? value : 'shared'
}

/**
 * May a user see an event?
 * @param before what the state before the event says about that user
 * @param joinedLater whether the user joined the room at any point after the event, even if they left since
 */
export function mayUserSee(event: SeenEvent, user: string, before: Sight, joinedLater: boolean): boolean {
  if (allows(before, joinedLater)) return true
  const after = sightAfter(event, user, before)
  return after !== before && allows(after, joinedLater)
}

function allows({ visibility, membership }: Sight, joinedLater: boolean): boolean {
  // 1. If the history_visibility was set to world_readable, allow.
  if (visibility === 'world_readable') return true
  // 2. If the user's membership was join, allow.
  if (membership === 'join') return true
  // 3. If history_visibility was set to shared, and the user joined the room at any point after the event was sent, allow.
  if (visibility === 'shared' && joinedLater) return true
  // 4. If the user's membership was invite, and the history_visibility was set to invited, allow. 5. Otherwise, deny.
  return visibility === 'invited' && membership === 'invite'
}

/**
 * For m.room.history_visibility events themselves, and likewise for the user's own m.room.member events, the user
 * should be allowed to see the event if what holds before or after the event would allow it.
 */
function sightAfter(event: SeenEvent, user: string, before: Sight): Sight {
  if (event.type === 'm.room.history_visibility' && event.stateKey === '')
    return { ...before, visibility: historyVisibilityOf(event) }
  if (event.type === 'm.room.member' && event.stateKey === user)
    return { ...before, membership: stringAt(event.content, 'membership') }
  return before
}

/** What a state says about a server's users. */
export interface ServerSight {
  /** By the state before the event. */
  readonly visibility: HistoryVisibility
  /** Gives the memberships of all the server's users in the state before the event; only asked for where it matters. */
  readonly memberships: () => Iterable<string>
  /** Whether a user of the server is joined to the room now. */
  readonly isInRoom: boolean
}

/**
 * May a server have an event as it is, and not only redacted? It may if any of its users may see it, or might as soon
 * as they have joined: what is shared is for every server in the room.
 */
export function mayServerSee(event: Event, server: string, { visibility, memberships, isInRoom }: ServerSight): boolean {
  const after = event.type === 'm.room.history_visibility' && event.stateKey === '' ? historyVisibilityOf(event) : visibility
  if (visibility === 'world_readable' || after === 'world_readable') return true
  if (isInRoom && (visibility === 'shared' || after === 'shared')) return true
  const forInvited = visibility === 'invited' || after === 'invited'
  const allowed = (membership: string | undefined) => membership === 'join' || (forInvited && membership === 'invite')
  return allowed(ownMembership(event, server)) || Iterator.from(memberships()).some(allowed)
}

/** The membership that an event gives to a user of a server. */
function ownMembership(event: Event, server: string): string | undefined {
  const user = event.type === 'm.room.member' ? event.stateKey : undefined
  return user !== undefined && serverOf(user) === server ? stringAt(event.content, 'membership') : undefined
}
