/**
 * What differs between room versions, as data: one row a version, built from the row before.
 * https://spec.matrix.org/v1.19/rooms/
 */
import { redactionV1, redactionV6, redactionV8, redactionV9, redactionV11 } from './redaction.ts'
import type { RedactionRules } from './redaction.ts'

/** The differences of a version's authorisation rules. */
export interface AuthRules {
  /** The create event is selected into `auth_events` (1 to 11), or must not be there (12). */
  readonly createInAuthEvents: boolean
  /** `content.creator` names the creator (1 to 10), or it is the sender of the create event (11 on). */
  readonly creatorInContent: boolean
  /** `m.room.aliases` needs only a state key that is the sender's domain (1 to 5). */
  readonly specialCaseAliases: boolean
  /** A redaction needs the redact level or the redacted event's domain to be allowed at all (1 and 2). */
  readonly redactionsNeedPower: boolean
  /** Changes of `notifications` in power levels are limited by the sender's level as those of `events` are (6 on). */
  readonly limitNotificationLevels: boolean
  /** Membership `knock` and join rule `knock` exist (7 on). */
  readonly knocking: boolean
  /** Join rule `restricted` exists (8 on). */
  readonly restrictedJoins: boolean
  /** Join rule `knock_restricted` exists (10 on). */
  readonly knockRestricted: boolean
  /** Power levels are integers only (10 on), not also strings of digits and fractions. */
  readonly integerPowerLevels: boolean
  /** The creators, `additional_creators` among them, stand above every power level (12 on). */
  readonly privilegedCreators: boolean
}

export interface RoomRules {
  readonly version: string
  /** Chosen by the sender (1, 2), or `$` and the reference hash in standard (3) or URL-safe (4 on) base64. */
  readonly eventIdFormat: 'chosen' | 'base64' | 'url-safe'
  readonly stateResolution: 'v1' | 'v2' | 'v2.1'
  /** JSON that is not canonical (fractions, integers beyond 2^53 - 1) is refused (6 on). */
  readonly strictCanonicalJson: boolean
  /** A signing key counts only for events from before its `valid_until_ts` (5 on). */
  readonly enforceKeyValidity: boolean
  readonly redaction: RedactionRules
  /** `redacts` of an `m.room.redaction` is in its content (11 on), not beside it. */
  readonly redactsInContent: boolean
  /** The room id is `!` and the create event's reference hash, and the create event carries no `room_id` (12 on). */
  readonly roomIdIsCreateHash: boolean
  readonly auth: AuthRules
}

const v1: RoomRules = {
  version: '1',
  eventIdFormat: 'chosen',
  stateResolution: 'v1',
  strictCanonicalJson: false,
  enforceKeyValidity: false,
  redaction: redactionV1,
  redactsInContent: false,
  roomIdIsCreateHash: false,
  auth: {
    createInAuthEvents: true,
    creatorInContent: true,
    specialCaseAliases: true,
    redactionsNeedPower: true,
    limitNotificationLevels: false,
    knocking: false,
    restrictedJoins: false,
    knockRestricted: false,
    integerPowerLevels: false,
    privilegedCreators: false,
  },
}
const v2: RoomRules = { ...v1, version: '2', stateResolution: 'v2' }
const v3: RoomRules = { ...v2, version: '3', eventIdFormat: 'base64', auth: { ...v2.auth, redactionsNeedPower: false } }
const v4: RoomRules = { ...v3, version: '4', eventIdFormat: 'url-safe' }
const v5: RoomRules = { ...v4, version: '5', enforceKeyValidity: true }
const v6: RoomRules = {
  ...v5,
  version: '6',
  strictCanonicalJson: true,
  redaction: redactionV6,
  auth: { ...v5.auth, specialCaseAliases: false, limitNotificationLevels: true },
}
const v7: RoomRules = { ...v6, version: '7', auth: { ...v6.auth, knocking: true } }
const v8: RoomRules = { ...v7, version: '8', redaction: redactionV8, auth: { ...v7.auth, restrictedJoins: true } }
const v9: RoomRules = { ...v8, version: '9', redaction: redactionV9 }
const v10: RoomRules = { ...v9, version: '10', auth: { ...v9.auth, knockRestricted: true, integerPowerLevels: true } }
const v11: RoomRules = {
  ...v10,
  version: '11',
  redaction: redactionV11,
  redactsInContent: true,
  auth: { ...v10.auth, creatorInContent: false },
}
const v12: RoomRules = {
  ...v11,
  version: '12',
  stateResolution: 'v2.1',
  roomIdIsCreateHash: true,
  auth: { ...v11.auth, createInAuthEvents: false, privilegedCreators: true },
}

const rows: ReadonlyMap<string, RoomRules> = new Map(
  [v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12].map((row) => [row.version, row]),
)

/** The version of rooms made without a wish for another. */
export const DEFAULT_ROOM_VERSION = '12'

/** All versions that this server takes part in, oldest first. */
export const knownRoomVersions: readonly string[] = [...rows.keys()]

/** The rules of a room version, or undefined where this server does not know it. */
export function roomRules(version: string): RoomRules | undefined {
  return rows.get(version)
}
