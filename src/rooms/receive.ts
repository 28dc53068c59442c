/**
 * Receipt of events from other servers, step by step.
 * https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 *
 * Steps 1 to 3 (form, signatures, content hash) are done by federation/pdus.ts, which reads events off the wire, in bulk
 * and off the event loop; here follow the checks against auth events and state, and what to fetch when those are not here.
 */
import type { ServerName } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { type AuthVerdict, authorise, checkAuthEvents } from '../protocol/event-auth/index.ts'
import type { Event } from '../protocol/event.ts'
import { lookupIn } from '../protocol/state-map.ts'
import { stickyDurationOf, stickyUntil } from '../protocol/sticky.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import { isPlaced, Standing, type StoredEvent } from '../storage/stored-event.ts'
import { allowedIn } from './allowed.ts'
import type { GapBudget } from './gap-budget.ts'
import type { GapFiller } from './gaps.ts'
import type { RoomHeads } from './heads.ts'
import type { Outliers } from './outliers.ts'
import type { EventWriter, Persisted, PersistOptions } from './persist.ts'
import type { PolicyServers, VettedEvent } from './policy-servers.ts'
import { ResolutionEffort } from './resolution-effort.ts'
import type { StateResolver } from './resolve.ts'
import type { RoomStates } from './state.ts'

/** What became of a received event. */
export type Verdict =
  | { readonly kind: 'accepted'; readonly stored: StoredEvent }
  /** It was here before. */
  | { readonly kind: 'known' }
  /** Allowed at its place in history, but not by the current state or the room's policy server: kept, not shown. */
  | { readonly kind: 'soft-failed'; readonly rule: string; readonly why: string | undefined }
  /** Not allowed by its auth events or by the state before it. */
  | { readonly kind: 'rejected'; readonly rule: string; readonly why: string }
  /** What it builds on is not to be had. */
  | { readonly kind: 'missing'; readonly why: string }

export interface EventReceiverParts {
  clock: Clock
  events: Events
  heads: RoomHeads
  states: RoomStates
  resolver: StateResolver
  policyServers: Pick<PolicyServers, 'vet'>
  writer: EventWriter
  outliers: Outliers
  gaps: GapFiller
}

const POLICY_RULE = "the room's policy server"

/** One call of `receive`. */
interface Receipt {
  readonly origin: ServerName
  readonly room: Room
  readonly budget: GapBudget
  readonly effort: ResolutionEffort
  /** What has been queued to be written. */
  readonly writes: Promise<void>[]
}

export class EventReceiver {
  readonly #parts: EventReceiverParts
  /**
   * What a server sends into a room is received in order; nobody waits for what another server has to fetch or does not
   * give. The room's lock is held only for the last steps, without the network.
   */
  readonly #inbound = new KeyedQueue<string>()

  constructor(parts: EventReceiverParts) {
    this.#parts = parts
  }

  /**
   * Receives events of one room from a server that has them, in order. Resolves when those that were accepted are durable.
   * Each event must be of the right form, with its signatures checked, and redacted where its content hash did not fit.
   * @param options for the events themselves, not for what has to be fetched before them
   */
  receive(origin: ServerName, room: Room, received: readonly Event[], options: PersistOptions = {}): Promise<Verdict[]> {
    return this.#inbound.run(`${room.nid} ${origin}`, async () => {
      using budget = this.#parts.gaps.budget()
      const receipt = { origin, room, budget, effort: new ResolutionEffort(), writes: [] }
      const verdicts: Verdict[] = []
      for (const event of received) verdicts.push(await this.#receiveOne(receipt, event, options))
      await Promise.all(receipt.writes)
      return verdicts
    })
  }

  /** Decides about an event, and rests from what that has made us resolve. Parameters as of `#decide`. */
  async #receiveOne(receipt: Receipt, event: Event, options?: PersistOptions): Promise<Verdict> {
    const verdict = await this.#decide(receipt, event, options)
    const rest = receipt.effort.takeRest()
    if (rest > 0) await this.#parts.clock.sleep(rest)
    return verdict
  }

  /**
   * @param options undefined for an event that fills a gap. Where its own prev events are missing the gap goes on too far:
   *   then the state after them is asked for. Of the event that was sent, the sender must know all prev events.
   */
  async #decide(receipt: Receipt, event: Event, options?: PersistOptions): Promise<Verdict> {
    const { events, gaps } = this.#parts
    const { origin, room, budget } = receipt
    const fillsGap = options === undefined
    const existing = await events.byId(event.eventId)
    if (isKnown(existing, room)) return { kind: 'known' }
    // A room begins once: whoever is in it has got its beginning with the state, or gets it as history.
    if (event.prevEvents.length === 0)
      return existing ? { kind: 'known' } : { kind: 'missing', why: 'The room has begun already' }
    if (!fillsGap && (await events.unplaced(room, event.prevEvents)).length > 0) {
      for (const missing of await gaps.eventsBefore(origin, room, event, budget)) await this.#receiveOne(receipt, missing)
    }
    // First, since a state that is fetched brings auth events with it.
    const stateBefore = await this.#stateBefore(receipt, event, fillsGap || this.#isSticky(event))
    if (stateBefore === undefined) return { kind: 'missing', why: 'The state before the event could not be found out' }
    const auth = await this.#authEvents(receipt, event)
    if ('kind' in auth) return auth
    const { policyServers, states } = this.#parts
    const isAllowed = async () => auth.verdict.allowed && (await allowedIn(states, stateBefore, event)).allowed
    return this.#judge(receipt, await policyServers.vet(room, event, isAllowed), auth.verdict, stateBefore, options)
  }

  /** Step 4. Passes authorisation rules based on the event's auth events, otherwise it is rejected. */
  async #authEvents({ origin, room, budget }: Receipt, event: Event): Promise<Verdict | { verdict: AuthVerdict }> {
    const { outliers, gaps } = this.#parts
    let auth = await outliers.authOf(event)
    if (auth.missing.length > 0) {
      await gaps.fetchAuthChain(origin, room, event, budget)
      auth = await outliers.authOf(event)
    }
    if (auth.missing.length > 0) return { kind: 'missing', why: `Its auth event ${auth.missing[0]} could not be found` }
    const cited = checkAuthEvents(event, auth.entries)
    return { verdict: cited.allowed ? authorise(event, lookupIn(auth.events)) : cited }
  }

  /** MSC4354: servers that come into a room are sent the sticky events from before their time, with what those build on far away. */
  #isSticky({ pdu, originServerTs }: Event): boolean {
    const now = this.#parts.clock.now()
    const durationMs = stickyDurationOf(pdu)
    return durationMs !== undefined && stickyUntil(durationMs, originServerTs, now) > now
  }

  /** The state before the event: what the states after its prev events resolve to. Undefined where it cannot be known. */
  async #stateBefore({ origin, room, budget, effort }: Receipt, event: Event, mayFetch: boolean): Promise<number | undefined> {
    const { events, gaps, resolver } = this.#parts
    const known = await events.byIds(event.prevEvents)
    const roots: number[] = []
    for (const eventId of event.prevEvents) {
      const prev = known.get(eventId)
      if (isPlaced(prev, room)) {
        roots.push(prev.stateAfter)
        continue
      }
      const root = mayFetch ? await gaps.stateAfter(origin, room, eventId, budget) : undefined
      if (root === undefined) return undefined
      roots.push(root)
    }
    return resolver.resolve(room, roots, effort)
  }

  /** Steps 4 to 7 come to their verdict here, under the room's lock. */
  #judge(
    { room, effort, writes }: Receipt,
    { event, refusal }: VettedEvent,
    byAuthEvents: AuthVerdict,
    stateBefore: number,
    options: PersistOptions = {},
  ): Promise<Verdict> {
    const { events, heads, states, writer } = this.#parts
    const keep = (persisted: Persisted) => {
      // A failure is met where the writes are awaited together.
      persisted.written.catch(() => {})
      writes.push(persisted.written)
      return persisted.stored
    }
    return heads.locked(room.roomId, async () => {
      // Another server may have sent it meanwhile.
      if (isKnown(await events.byId(event.eventId), room)) return { kind: 'known' }
      if (!byAuthEvents.allowed) {
        keep(await writer.keep(room, event, Standing.rejected, stateBefore))
        return { kind: 'rejected', rule: byAuthEvents.rule, why: byAuthEvents.why }
      }
      // 5. Passes authorisation rules based on the state before the event, otherwise it is rejected.
      const before = await allowedIn(states, stateBefore, event)
      if (!before.allowed) {
        keep(await writer.keep(room, event, Standing.rejectedByState, stateBefore))
        return { kind: 'rejected', rule: before.rule, why: before.why }
      }
      // 6. Passes authorisation rules based on the current state of the room, otherwise it is soft failed.
      const { stateRoot } = await heads.get(room)
      const now = stateRoot === stateBefore ? before : await allowedIn(states, stateRoot, event)
      // 7. Is validated by the Policy Server, if the room is using a Policy Server, otherwise it is "soft failed".
      if (!now.allowed || refusal !== undefined) {
        keep(await writer.keep(room, event, Standing.softFailed, stateBefore, { isFinal: refusal !== undefined }))
        return { kind: 'soft-failed', rule: now.allowed ? POLICY_RULE : now.rule, why: refusal }
      }
      return { kind: 'accepted', stored: keep(await writer.accept(room, event, stateBefore, { ...options, effort })) }
    })
  }
}

/** Whether there is nothing left to decide about an event. One whose id is taken in another room is no event of this one. */
function isKnown(existing: StoredEvent | undefined, room: Room): boolean {
  return existing !== undefined && (existing.room.nid !== room.nid || isPlaced(existing, room))
}
