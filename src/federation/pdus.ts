/** PDUs off the wire become events here: their form, their content hashes and their signatures are checked. */
import type { EventId } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { mapInSlices } from '../core/slices.ts'
import { type ParsedEvent, type ParseOptions, parseEvent, redactedEvent, type Refused } from '../protocol/event-format.ts'
import type { Event } from '../protocol/event.ts'
import type { SignatureVerdict, VerifyEventSignatures } from '../protocol/required-signatures.ts'
import type { RoomRules } from '../protocol/room-versions.ts'
import { hasNonCanonicalNumbers, parseLossless } from '../protocol/strict-json.ts'
import type { RoomReference } from '../rooms/remote-history.ts'

/** What became of one PDU. */
export type CheckedPdu =
  /** In its redacted form where the content hash did not fit. */
  | { readonly event: Event }
  /** Dropped. The id where the PDU is well enough formed to have one. */
  | { readonly refused: string; readonly eventId: EventId | undefined }

/** Keys are fetched for so many events together. */
const VERIFIED_TOGETHER = 4_000

export class PduChecks {
  readonly #verify: VerifyEventSignatures

  constructor(verify: VerifyEventSignatures) {
    this.#verify = verify
  }

  /** The PDUs of an answer that are events of the room and pass, each once; the others are left out. */
  async events(pdus: readonly Json[], room: RoomReference, options: ParseOptions = {}): Promise<Event[]> {
    const checked = await this.each(pdus, room.rules, options)
    const events = new Map<EventId, Event>()
    for (const result of checked)
      if ('event' in result && result.event.roomId === room.roomId) events.set(result.event.eventId, result.event)
    return [...events.values()]
  }

  /** One result for each PDU, in the same order. */
  async each(pdus: readonly Json[], rules: RoomRules, options: ParseOptions = {}): Promise<CheckedPdu[]> {
    const parsed = await mapInSlices(pdus, (pdu) => takenAs(parseEvent(pdu, rules, options)))
    const results: CheckedPdu[] = []
    for (let start = 0; start < parsed.length; start += VERIFIED_TOGETHER) {
      const part = parsed.slice(start, start + VERIFIED_TOGETHER)
      const verdicts = await this.#verify(part.flatMap((result) => ('event' in result ? [result.event] : [])))
      const next = verdicts.values()
      for (const result of part) {
        if ('refused' in result) results.push({ refused: result.refused, eventId: undefined })
        else results.push(afterSignatures(result.event, next.next().value))
      }
    }
    return results
  }
}

/**
 * The body of a request, with numbers as they were written: hashes and signatures cover them, and room versions since 6
 * refuse those that are not canonical.
 */
export function losslessBody<B extends JsonObject>(body: B, bodyText: string): B {
  return hasNonCanonicalNumbers(bodyText) ? (parseLossless(bodyText) as B) : body
}

/**
 * If the hash check fails, the event is redacted before it is processed further: before anybody looks at whose signatures it
 * needs, since that depends on what redaction takes away.
 */
function takenAs(parsed: ParsedEvent | Refused): { event: Event } | Refused {
  if ('refused' in parsed) return parsed
  return { event: parsed.contentHashMatches ? parsed.event : redactedEvent(parsed.event) }
}

function afterSignatures(event: Event, verdict: SignatureVerdict | undefined): CheckedPdu {
  if (verdict?.kind === 'valid') return { event }
  const fault = `The signature of ${verdict?.server} is wanting (${verdict?.fault})`
  // The key may be had another time: to reject the event for good would be too early.
  const isCertain = verdict?.kind === 'unauthorised' && verdict.fault !== 'unknown-key'
  return isCertain ? { event: { ...event, unauthorised: fault } } : { refused: fault, eventId: event.eventId }
}
