/**
 * The one error class: errcode and status meet here.
 * https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
import type { JsonObject } from '../../schemas/json.ts'

export class MatrixError extends Error {
  override name = 'MatrixError'
  readonly status: number
  readonly errcode: string
  /** Further members of the answer's body, such as `retry_after_ms`. */
  readonly extra: JsonObject

  constructor(status: number, errcode: string, why: string, extra: JsonObject = {}) {
    super(why)
    this.status = status
    this.errcode = errcode
    this.extra = extra
  }

  toJSON(): JsonObject {
    return { errcode: this.errcode, error: this.message, ...this.extra }
  }
}

const factory =
  (status: number, errcode: string, fallback: string) =>
  (why = fallback, extra?: JsonObject) =>
    new MatrixError(status, errcode, why, extra)

export const badJson = factory(400, 'M_BAD_JSON', 'The JSON is not of the expected form')
export const notJson = factory(400, 'M_NOT_JSON', 'The body is not valid JSON')
export const missingParam = factory(400, 'M_MISSING_PARAM', 'A required parameter is missing')
export const invalidParam = factory(400, 'M_INVALID_PARAM', 'A parameter has a wrong value')
/** Sliding sync: the connection has to begin anew. */
export const unknownPos = factory(400, 'M_UNKNOWN_POS', 'That connection has expired')
export const invalidSignature = factory(400, 'M_INVALID_SIGNATURE', 'A signature is wrong')
/** A client subscribes to a thread by itself because of an event that is not of that thread. */
export const notInThread = factory(400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', 'The event is not in that thread')
export const badState = factory(400, 'M_BAD_STATE', 'The state does not allow this')
export const badAlias = factory(400, 'M_BAD_ALIAS', 'The alias does not point to this room')
export const duplicateAnnotation = factory(400, 'M_DUPLICATE_ANNOTATION', 'You have sent that annotation already')
export const userInUse = factory(400, 'M_USER_IN_USE', 'That user ID is taken')
export const invalidUsername = factory(400, 'M_INVALID_USERNAME', 'That user name is not allowed')
export const exclusive = factory(400, 'M_EXCLUSIVE', 'That name is reserved by an application service')
export const weakPassword = factory(400, 'M_WEAK_PASSWORD', 'That password is too weak')
/** Of what users may keep only so many of; src/core/quotas.ts says how many. */
export const tooMany = factory(400, 'M_TOO_LARGE', 'There are too many of these already')
export const keyTooLarge = factory(400, 'M_KEY_TOO_LARGE', 'The name of the profile field is too long')
export const profileTooLarge = factory(400, 'M_PROFILE_TOO_LARGE', 'The profile would become too large')
export const unknownLoginType = factory(400, 'M_UNKNOWN', 'Unknown login type')
export const roomInUse = factory(400, 'M_ROOM_IN_USE', 'That room alias is taken')
export const invalidRoomState = factory(400, 'M_INVALID_ROOM_STATE', 'The initial state of the room is not allowed')
export const unsupportedRoomVersion = factory(400, 'M_UNSUPPORTED_ROOM_VERSION', 'That room version is not supported')
export const incompatibleRoomVersion = (roomVersion: string) =>
  new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', `You do not support room version ${roomVersion} of that room`, {
    room_version: roomVersion,
  })
export const unableToAuthoriseJoin = factory(
  400,
  'M_UNABLE_TO_AUTHORISE_JOIN',
  'This server cannot check the conditions for joining',
)
export const unableToGrantJoin = factory(400, 'M_UNABLE_TO_GRANT_JOIN', 'This server cannot let you in, another one may')
export const cannotLeaveServerNoticeRoom = factory(
  403,
  'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM',
  'The server notices room cannot be left',
)
/** The `before` or `after` of a push rule names no rule of the user's own. */
export const unknownRelativeRule = factory(400, 'M_UNKNOWN', 'There is no such rule to place it at')
/** There is no errcode of its own for this. */
export const noThreadRoot = factory(400, 'M_UNKNOWN', 'An event that relates to another one cannot be the root of a thread')
/** A room can be forgotten only once it has been left. */
export const notLeft = factory(400, 'M_UNKNOWN', 'You have not left that room')
/** https://spec.matrix.org/v1.19/client-server-api/#other-error-codes */
export const threepidInUse = factory(400, 'M_THREEPID_IN_USE', 'Another account has that address')
export const threepidNotFound = factory(400, 'M_THREEPID_NOT_FOUND', 'No account has that address')
export const threepidAuthFailed = factory(400, 'M_THREEPID_AUTH_FAILED', 'The address has not been proven')
export const threepidMediumNotSupported = factory(
  400,
  'M_THREEPID_MEDIUM_NOT_SUPPORTED',
  'This server knows no addresses of that kind',
)
export const missingToken = factory(401, 'M_MISSING_TOKEN', 'An access token is needed')
export const unknownToken = factory(401, 'M_UNKNOWN_TOKEN', 'The access token is unknown')
export const unauthorised = factory(401, 'M_UNAUTHORIZED', 'The request is not authorised')
export const userLocked = (why = 'This account has been locked') =>
  new MatrixError(401, 'M_USER_LOCKED', why, { soft_logout: true })
export const forbidden = factory(403, 'M_FORBIDDEN', 'You may not do this')
export const guestForbidden = factory(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this')
/** https://spec.matrix.org/v1.19/client-server-api/#invite-permission */
export const inviteBlocked = factory(403, 'M_INVITE_BLOCKED', 'That user does not accept invites')
export const threepidDenied = factory(403, 'M_THREEPID_DENIED', 'This server does not take that address')
export const userDeactivated = factory(403, 'M_USER_DEACTIVATED', 'This account has been deactivated')
export const userSuspended = factory(403, 'M_USER_SUSPENDED', 'You may not do this while your account is suspended')
/** Keys go to the newest backup only. */
export const wrongRoomKeysVersion = (currentVersion: string) =>
  new MatrixError(403, 'M_WRONG_ROOM_KEYS_VERSION', 'That is not the newest backup', { current_version: currentVersion })
/** What a delayed event is refused with, by the proposal. */
export const delayTooLong = (maxDelayMs: number) => forbidden(`No event may be delayed by more than ${maxDelayMs} ms`)
/** As its earlier drafts had it: clients that ask in their way shorten the delay when they are told this. */
export const maxDelayExceeded = (maxDelayMs: number) =>
  new MatrixError(400, 'M_UNKNOWN', `No event may be delayed by more than ${maxDelayMs} ms`, {
    'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
    'org.matrix.msc4140.max_delay': maxDelayMs,
  })
export const notFound = factory(404, 'M_NOT_FOUND', 'Not found')
/** MSC2815: an event was redacted before it came here. */
export const unredactedNotReceived = factory(
  404,
  'FI.MAU.MSC2815_UNREDACTED_CONTENT_NOT_RECEIVED',
  'This server has never had what was redacted',
)
export const unrecognised = factory(404, 'M_UNRECOGNIZED', 'No such endpoint')
export const wrongMethod = factory(405, 'M_UNRECOGNIZED', 'That endpoint does not take this method')
/** Account data of a type that only the server sets. */
export const serverManaged = factory(405, 'M_BAD_JSON', 'The server manages this account data')
export const aliasTaken = factory(409, 'M_UNKNOWN', 'That room alias is taken')
export const conflictingUnsubscription = factory(
  409,
  'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION',
  'You have unsubscribed from that thread since',
)
export const conflict = factory(409, 'M_UNKNOWN', 'That has been decided otherwise')
export const tooLarge = factory(413, 'M_TOO_LARGE', 'The request is too large')
/** The endpoint is for WebSockets. */
export const upgradeRequired = factory(426, 'M_UNRECOGNIZED', 'That endpoint speaks WebSocket')
export const limitExceeded = (retryAfterMs: number, limiter: string) =>
  new MatrixError(429, 'M_LIMIT_EXCEEDED', `Too many requests (${limiter})`, { retry_after_ms: retryAfterMs })
export const unknown = factory(500, 'M_UNKNOWN', 'Internal server error')
/** Another server did not answer, or not as it should. */
export const badGateway = factory(502, 'M_UNKNOWN', 'Another server could not be reached')
/** We are stopping or overloaded. */
export const unavailable = factory(503, 'M_UNKNOWN', 'The server is not available')
