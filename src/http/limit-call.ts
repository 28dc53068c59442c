import { Readable } from 'node:stream'
import { limitExceeded, MatrixError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Requester } from '../core/requester.ts'
import type { Call } from './call.ts'
import { networkOf } from './client-address.ts'
import type { Limit, Limiter, RateLimiter } from './rate-limit.ts'
import type { RawResponse } from './reply.ts'

/** One limit that a call counts against. */
interface Count {
  readonly limiter: Limiter
  /** Who is counted: a user, a device of theirs, a server, an address. */
  readonly key: string
  readonly limit?: Limit | undefined
}

interface Limiting {
  readonly rateLimiter: RateLimiter
  readonly log: Logger
}

/** Counts the call against whoever makes it. Throws M_LIMIT_EXCEEDED where they have to wait. */
export function limitCall(call: Call, by: Limiting): void {
  for (const count of countsOf(call)) take(call, count, by)
}

const REFUSED_TOKEN: ReadonlySet<string> = new Set(['M_UNKNOWN_TOKEN', 'M_USER_LOCKED'])

/**
 * Counts a call whose token has been refused against its address. Looking a token up costs less than the request around it, so
 * each is looked up, and whoever has a good one is not held up by others at their address who do not.
 * Throws M_LIMIT_EXCEEDED where there were too many.
 */
export function limitRefusedToken(call: Call, cause: unknown, by: Limiting): void {
  if (!(cause instanceof MatrixError) || !REFUSED_TOKEN.has(cause.errcode)) return
  // Whoever makes tokens up does not keep those from hearing of it who had a good one until now.
  const wasGood = cause.extra['soft_logout'] === true
  const network = networkOf(call.address)
  take(call, { limiter: 'unknown-token', key: wasGood ? `${network} (ended)` : network }, by)
}

function take(call: Call, { limiter, key, limit }: Count, { rateLimiter, log }: Limiting): void {
  const refusal = rateLimiter.take(limiter, key, limit)
  if (!refusal) return
  const { waitMs, isFirst } = refusal
  if (isFirst) log.info({ limiter, key, waitMs, route: call.routePath, requestId: call.requestId }, 'Rate limit exceeded')
  throw limitExceeded(waitMs, limiter)
}

/** Each so many bytes of a body count as one more call of the device: to read and check them takes as long. */
const BYTES_OF_A_CALL = 16 * 1024
/** And so many of an answer, which are put together out of pieces. */
const BYTES_OF_AN_ANSWER = 1024 * 1024

/** Counts a body of so many bytes against the device that sends it. */
export function chargeBody(call: Call, bytes: number, rateLimiter: RateLimiter): void {
  charge(call, bytes / BYTES_OF_A_CALL, rateLimiter)
}

/** Counts a long answer against the device that asked for it. */
export function chargeAnswer(call: Call, { body }: RawResponse, rateLimiter: RateLimiter): void {
  if (body === undefined || body instanceof Readable) return
  const parts = typeof body === 'string' || Buffer.isBuffer(body) ? [body] : body
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  if (bytes >= BYTES_OF_AN_ANSWER) charge(call, bytes / BYTES_OF_AN_ANSWER, rateLimiter)
}

function charge({ requester }: Call, calls: number, rateLimiter: RateLimiter): void {
  if (requester === undefined || 'origin' in requester || requester.unlimited === true || requester.deviceId === undefined) return
  rateLimiter.charge(deviceKey(requester), Math.floor(calls))
}

const deviceKey = ({ userId, deviceId }: Requester): string => `${userId} ${deviceId}`

/** A server counts for itself; whoever has not logged in, or is about to, for the address; all others for device and user, sockets for all three. */
function countsOf(call: Call): Count[] {
  const limiter = call.endpoint?.rateLimit ?? 'none'
  const { requester } = call
  if (limiter === 'none') return []
  if (requester === undefined || limiter === 'login' || limiter === 'registration')
    return [{ limiter, key: networkOf(call.address) }]
  if ('origin' in requester) return [{ limiter, key: requester.origin }]
  if (requester.unlimited === true) return []
  if (limiter === 'socket') return [{ limiter, key: networkOf(call.address) }, ...countsOfUser('read', requester)]
  return countsOfUser(limiter, requester)
}

function countsOfUser(limiter: Limiter, requester: Requester): Count[] {
  const { userId, deviceId, messageLimit } = requester
  const own = limiter === 'message' ? messageLimit : undefined
  const ofUser = { limiter, key: userId, limit: own }
  // Whoever may send more than others may do so from one device.
  if (deviceId === undefined || own) return [ofUser]
  return [{ limiter: 'device', key: deviceKey(requester) }, ofUser]
}
