import { serverOf } from '../../schemas/ids.ts'
import type { PowerLevels } from '../protocol/power-levels.ts'
import type { RoomRules } from '../protocol/room-versions.ts'

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
