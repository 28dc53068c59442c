/** Sticky events, MSC4354. https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
import { isJsonObject } from '../../schemas/json.ts'
import type { Pdu } from './event.ts'

/** The member of PDUs and of events for clients. */
export const STICKY = 'msc4354_sticky'

/** No event is sticky for longer, in milliseconds. */
export const MAX_STICKY_MS = 3_600_000

/** For how long its sender wants an event to be sticky, in milliseconds; undefined for one that is not sticky. */
export function stickyDurationOf(pdu: Pdu): number | undefined {
  const sticky = pdu[STICKY]
  const duration = isJsonObject(sticky) ? sticky['duration_ms'] : undefined
  return typeof duration === 'number' && Number.isSafeInteger(duration) && duration >= 0 ? duration : undefined
}

/** When an event is sticky no more, in milliseconds since the Unix epoch: a time in the future makes it no longer sticky. */
export function stickyUntil(durationMs: number, originServerTs: number, receivedTs: number): number {
  return Math.min(receivedTs, originServerTs) + Math.min(durationMs, MAX_STICKY_MS)
}
