import { OwnedCache, type OwnedCacheLimits } from '../core/owned-cache.ts'
import type { UserId } from '../../schemas/ids.ts'
import type { Events } from '../storage/events.ts'
import { kindOf } from '../storage/kind.ts'
import type { Names } from '../storage/names.ts'
import type { StateMaps } from '../storage/state.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { SyncRequest, SyncTurn } from './request.ts'

const MEMBER = 'm.room.member'
/** How many members are remembered for one device in one room. */
const MAX_REMEMBERED = 1_000
/** In members, each some 100 bytes: 20 MB of one user, and 200 MB. Whoever needs more is sent some of them again. */
const LIMITS: OwnedCacheLimits = { ofOwner: 200_000, all: 2_000_000 }
/** What is kept of a room weighs at least so much. */
const OWN_WEIGHT = 3

/** A member event that a device was sent, and the token of the answer that carried it. */
interface Sent {
  readonly nid: number
  readonly at: number
}

export interface LazyMembersParts {
  names: Names
  events: Events
  maps: StateMaps
}

/**
 * Which member events a device needs to show what it gets, and which of them it has already.
 * https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export class LazyMembers {
  readonly #parts: LazyMembersParts
  /** By device, filter and room: the members that were sent, by kind nid. */
  readonly #sent: OwnedCache<Map<number, Sent>>

  constructor(parts: LazyMembersParts, limits = LIMITS) {
    this.#parts = parts
    this.#sent = new OwnedCache(limits)
  }

  /**
   * The member events in the state `root` of some users, without those in `known` (which the answer holds anyway) and,
   * unless the filter asks for them, without those that the device has been sent before.
   */
  async needed(
    turn: SyncTurn,
    roomNid: number,
    root: number,
    users: Iterable<UserId>,
    known: ReadonlySet<number>,
  ): Promise<StoredEvent[]> {
    const sent = this.#sentTo(turn, roomNid)
    const missing: number[] = []
    for (const [kind, nid] of await this.of(root, users)) {
      if (known.has(nid)) continue
      if (turn.filter.state.includeRedundantMembers || !isKnown(sent.get(kind), nid, turn.since)) missing.push(nid)
    }
    return [...(await this.#parts.events.byNids(missing)).values()]
  }

  /** The member events in the state `root` of some users: nids by kind nid. */
  async of(root: number, users: Iterable<UserId>): Promise<ReadonlyMap<number, number>> {
    const { names, maps } = this.#parts
    const kinds: number[] = []
    for (const userId of users) {
      const kind = await names.find(kindOf(MEMBER, userId))
      if (kind !== undefined) kinds.push(kind)
    }
    return maps.get(root, kinds)
  }

  /** Whether the device has been sent all these member events, and does not want them again. */
  has(request: SyncRequest, roomNid: number, members: ReadonlyMap<number, number>): boolean {
    if (request.filter.state.includeRedundantMembers) return false
    const sent = this.#sent.get(request.reader.userNid, keyOf(request, roomNid))
    if (!sent) return false
    for (const [kind, nid] of members) if (!isKnown(sent.get(kind), nid, request.since)) return false
    return true
  }

  /** Notes that the answer of a turn carries member events. */
  remember(turn: SyncTurn, roomNid: number, events: Iterable<StoredEvent>): void {
    const sent = this.#sentTo(turn, roomNid)
    for (const { type, kindNid, nid, stateKey } of events) {
      if (type !== MEMBER || stateKey === undefined) continue
      // A device that has it since an earlier answer keeps that: it may ask again from there.
      if (!isKnown(sent.get(kindNid), nid, turn.since)) sent.set(kindNid, { nid, at: turn.upTo })
    }
    if (sent.size > MAX_REMEMBERED) sent.clear()
    this.#sent.weigh(turn.reader.userNid, keyOf(turn, roomNid), sent, OWN_WEIGHT + sent.size)
  }

  /** Forgets what a device was sent of a room: it starts anew. */
  forget(turn: SyncTurn, roomNid: number): void {
    this.#sent.delete(turn.reader.userNid, keyOf(turn, roomNid))
  }

  #sentTo(turn: SyncTurn, roomNid: number): Map<number, Sent> {
    const { userNid } = turn.reader
    const key = keyOf(turn, roomNid)
    let sent = this.#sent.get(userNid, key)
    if (!sent) {
      sent = new Map()
      this.#sent.set(userNid, key, sent, OWN_WEIGHT)
    }
    return sent
  }
}

/** The users whom a device must know to show these events: their senders, as far as the events themselves do not tell. */
export function sendersToKnow(timeline: readonly StoredEvent[]): Set<UserId> {
  const told = new Set<string>()
  const needed = new Set<UserId>()
  for (const { type, sender, stateKey } of timeline) {
    if (type === MEMBER && stateKey !== undefined) told.add(stateKey)
    if (!told.has(sender)) needed.add(sender)
  }
  return needed
}

/** Whose memberships some events tell. */
export function membersTold(events: readonly StoredEvent[]): string[] {
  return events.flatMap(({ type, stateKey }) => (type === MEMBER && stateKey !== undefined ? [stateKey] : []))
}

/** All whom these events are about: their senders, and who has come, gone or been renamed in them. */
export function membersOf(timeline: readonly StoredEvent[]): Set<UserId> {
  const members = new Set<UserId>()
  for (const { type, sender, stateKey } of timeline) {
    members.add(sender)
    if (type === MEMBER && stateKey !== undefined) members.add(stateKey as UserId)
  }
  return members
}

const keyOf = ({ reader, filter }: SyncRequest, roomNid: number): string => `${reader.deviceNid ?? ''} ${filter.id} ${roomNid}`

function isKnown(sent: Sent | undefined, nid: number, since: number | undefined): boolean {
  return sent?.nid === nid && since !== undefined && sent.at <= since
}
