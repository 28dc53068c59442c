import type { UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import type { Counts } from '../../rooms/unread-events.ts'
import type { StateKey } from '../../protocol/event.ts'
import type { Membership } from '../../storage/memberships.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'

export interface Hero {
  readonly user_id: UserId
  readonly displayname?: string
  readonly avatar_url?: string
}

/** What an answer says of a room, in whichever form. What is undefined has not changed, or is not there. */
export interface RoomResult {
  /** The client replaces all that it had of the room. */
  readonly initial: boolean
  readonly membership: Membership
  readonly lists: readonly string[]
  readonly bumpStamp: number
  readonly isDm?: boolean | undefined
  /** Null where it was removed. */
  readonly name?: string | null | undefined
  readonly avatar?: string | null | undefined
  readonly heroes?: readonly Hero[] | undefined
  readonly joinedCount?: number | undefined
  readonly invitedCount?: number | undefined
  readonly counts?: Counts | undefined
  /** The members of a JSON array. */
  readonly requiredState?: string | undefined
  /** Its events. */
  readonly requiredEvents?: readonly StoredEvent[]
  /** What is in the room's state no more. */
  readonly removedState?: readonly StateKey[]
  readonly timeline?: TimelineResult | undefined
  readonly strippedState?: readonly JsonObject[] | undefined
}

export interface TimelineResult {
  /** The members of a JSON array. */
  readonly events: string
  /** Their ids. */
  readonly eventIds: ReadonlySet<string>
  readonly prevBatch: string
  readonly limited: boolean
  /** How many of them, the last ones, have happened since the last answer. */
  readonly live: number
  /** It holds events from before the last answer, since more are asked for now. */
  readonly expanded: boolean
}

/** The JSON text of a room. `stable`: as `/v4/sync` has it, else as the unstable endpoint. */
export function roomText(result: RoomResult, stable: boolean): string {
  const { timeline, counts } = result
  // Before there was a name for it, `invite_state` was for invites and knocks only.
  const hasStripped = stable || result.requiredState === undefined
  const members: Record<string, string | undefined> = {
    initial: result.initial ? 'true' : undefined,
    membership: stable ? JSON.stringify(result.membership) : undefined,
    lists: stable && result.lists.length > 0 ? JSON.stringify(result.lists) : undefined,
    bump_stamp: String(result.bumpStamp),
    is_dm: textOf(result.isDm),
    name: textOf(result.name),
    avatar: textOf(result.avatar),
    heroes: textOf(result.heroes),
    joined_count: textOf(result.joinedCount),
    invited_count: textOf(result.invitedCount),
    notification_count: stable ? undefined : textOf(counts?.notifications),
    highlight_count: stable ? undefined : textOf(counts?.highlights),
    required_state: requiredText(result, stable),
    [stable ? 'stripped_state' : 'invite_state']: hasStripped ? textOf(result.strippedState) : undefined,
    timeline: timeline && `[${timeline.events}]`,
    prev_batch: timeline && JSON.stringify(timeline.prevBatch),
    limited: timeline && String(timeline.limited),
    num_live: timeline && String(timeline.live),
    [stable ? 'expanded_timeline' : 'unstable_expanded_timeline']: timeline?.expanded ? 'true' : undefined,
  }
  const given = Object.entries(members).flatMap(([name, text]) => (text === undefined ? [] : [`"${name}":${text}`]))
  return `{${given.join(',')}}`
}

/** Clients of the unstable endpoint know events only. */
function requiredText({ requiredState, removedState = [] }: RoomResult, stable: boolean): string | undefined {
  const stubs = stable ? removedState.map(({ type, stateKey }) => JSON.stringify({ type, state_key: stateKey })) : []
  if (requiredState === undefined && stubs.length === 0) return undefined
  return `[${[requiredState ?? '', ...stubs].filter((text) => text !== '').join(',')}]`
}

const textOf = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value))
