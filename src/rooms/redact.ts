import { serverOf } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import type { Event } from '../protocol/event.ts'
import type { PowerLevels } from '../protocol/power-levels.ts'
import type { RoomRules } from '../protocol/room-versions.ts'
import type { ChildSummaries } from '../storage/child-summaries.ts'
import type { Batch } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { RedactionsTable, Stay } from '../storage/redactions.ts'
import type { Room } from '../storage/rooms.ts'
import { Standing, type StoredEvent } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import { redactRelated } from './relation.ts'
import type { RoomStates } from './state.ts'

export interface RedactionsParts {
  events: Events
  redactions: RedactionsTable
  states: RoomStates
  timelines: Timelines
  childSummaries: ChildSummaries
}

/** What redactions have to do with an event that is about to be accepted. */
export interface RedactionPlan {
  /** What it redacts, if that is here and it may. */
  readonly target: StoredEvent | undefined
  /** Whether clients get it: not a redaction that takes no effect, or not yet. */
  readonly isShown: boolean
  /** It was redacted while it had no place in the room. */
  readonly isRedacted: boolean
  /** Redactions that were here before it and take effect on it, with whether clients have had them. */
  readonly waiting: readonly { redaction: StoredEvent; wasShown: boolean }[]
  /** What it redacts altogether, being a kick or a ban. */
  readonly stay: Stay | undefined
}

/** MSC4293. https://github.com/matrix-org/matrix-spec-proposals/pull/4293 */
const REDACT_EVENTS = 'org.matrix.msc4293.redact_events'

/**
 * Whether a redaction that passed the authorisation rules takes effect on its target. Until room version 2 those rules have
 * decided it; since version 3 it needs the redact level, or a sender of the same server.
 * https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
 */
export function mayRedact(
  rules: RoomRules,
  levels: PowerLevels,
  redaction: { sender: string },
  target: { sender: string },
): boolean {
  if (rules.auth.redactionsNeedPower) return true
  return serverOf(redaction.sender) === serverOf(target.sender) || levels.of(redaction.sender) >= levels.redact
}

/** Lets redactions take effect, in whichever order they and their targets come. */
export class Redactions {
  readonly #parts: RedactionsParts

  constructor(parts: RedactionsParts) {
    this.#parts = parts
  }

  /** @param isNew nothing can refer to it yet */
  async plan(room: Room, event: Event, stateBefore: number, isNew: boolean): Promise<RedactionPlan> {
    const target = event.redacts === undefined ? undefined : await this.#parts.events.byId(event.redacts)
    const takesEffect = target !== undefined && (await this.#takesEffect(room, event, target, stateBefore))
    return {
      target: takesEffect ? target : undefined,
      // Since version 3 redactions should not be sent to clients until they and their targets are here and valid.
      isShown: event.redacts === undefined || room.rules.auth.redactionsNeedPower || takesEffect,
      isRedacted: !isNew && (await this.#parts.redactions.appliedTo(event.eventId)).length > 0,
      waiting: isNew ? [] : await this.#waiting(room, event),
      stay: await this.#stay(room, event, stateBefore),
    }
  }

  /** Writes what has been planned, with the event of the plan. */
  apply(batch: Batch, room: Room, event: Event, stored: StoredEvent, { target, isRedacted, waiting }: RedactionPlan): void {
    const { events, redactions, timelines } = this.#parts
    const isAccepted = stored.standing === Standing.accepted
    if (event.redacts !== undefined) redactions.add(batch, event.redacts, stored.nid, isAccepted && target !== undefined)
    if (!isAccepted) return
    if (target) redactRelated(this.#parts, batch, target)
    if (isRedacted || waiting.length > 0) events.markRedacted(batch, stored.nid)
    for (const { redaction, wasShown } of waiting) {
      redactions.apply(batch, stored.eventId, redaction.nid)
      if (!wasShown) timelines.append(batch, room.nid, redaction.nid)
    }
  }

  /** Writes what has been planned beyond that for an event that comes to the end of its room. */
  applyToStay(batch: Batch, member: StoredEvent, { stay }: RedactionPlan): void {
    if (!stay) return
    const { events, redactions, childSummaries } = this.#parts
    redactions.redactStay(batch, stay, member.nid)
    events.reread(batch, stay.roomNid, stay.senderNid)
    childSummaries.shrinkBy(batch, stay.senderNid)
  }

  /** The stay that a kick or a ban ends, if it wants that redacted and its sender may redact. */
  async #stay(room: Room, event: Event, stateBefore: number): Promise<Stay | undefined> {
    const { type, sender, stateKey, content } = event
    if (type !== 'm.room.member' || stateKey === sender || content[REDACT_EVENTS] !== true) return undefined
    const membership = stringAt(content, 'membership')
    if (membership !== 'leave' && membership !== 'ban') return undefined
    const { states } = this.#parts
    const join = await states.get(stateBefore, 'm.room.member', stateKey)
    if (!join || stringAt(join.content, 'membership') !== 'join') return undefined
    const levels = await states.powerLevels(stateBefore, room)
    const isAllowed = levels.of(sender) >= Math.max(levels.redact, levels.toSend('m.room.redaction', false))
    return isAllowed ? { roomNid: room.nid, senderNid: join.senderNid, joinNid: join.nid } : undefined
  }

  async #waiting(room: Room, event: Event): Promise<{ redaction: StoredEvent; wasShown: boolean }[]> {
    const { events, redactions, timelines } = this.#parts
    const waiting: { redaction: StoredEvent; wasShown: boolean }[] = []
    for (const nid of await redactions.waitingFor(event.eventId)) {
      const redaction = await events.get(nid)
      if (redaction.standing !== Standing.accepted || redaction.room.nid !== room.nid) continue
      // Two events that redact each other, which chosen ids allow, do neither.
      if (event.redacts === redaction.eventId) continue
      const levels = await this.#parts.states.powerLevels(redaction.stateBefore, room)
      if (!mayRedact(room.rules, levels, redaction, event)) continue
      waiting.push({ redaction, wasShown: await timelines.has(room.nid, nid) })
    }
    return waiting
  }

  async #takesEffect(room: Room, redaction: Event, target: StoredEvent, stateBefore: number): Promise<boolean> {
    if (target.room.nid !== room.nid || target.head.redacts === redaction.eventId) return false
    return mayRedact(room.rules, await this.#parts.states.powerLevels(stateBefore, room), redaction, target)
  }
}
