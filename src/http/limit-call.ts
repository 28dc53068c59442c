import { limitExceeded } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Requester } from '../core/requester.ts'
import type { Call } from './call.ts'
import type { Limit, Limiter, RateLimiter } from './rate-limit.ts'

/** One limit that a call counts against. */
interface Count {
  readonly limiter: Limiter
  /** Who is counted: a user, a device of theirs, a server, an address. */
  readonly key: string
  readonly limit?: Limit | undefined
}

/** Counts the call against whoever makes it. Throws M_LIMIT_EXCEEDED where they have to wait. */
export function limitCall(call: Call, { rateLimiter, log }: { rateLimiter: RateLimiter; log: Logger }): void {
  for (const { limiter, key, limit } of countsOf(call)) {
    const waitMs = rateLimiter.take(limiter, key, limit)
    if (waitMs === 0) continue
    log.info({ limiter, key, waitMs, route: call.routePath, requestId: call.requestId }, 'Rate limit exceeded')
    throw limitExceeded(waitMs, limiter)
  }
}

/** Each so many bytes of a body count as one more call of the device: to read and check them takes as long. */
const BYTES_OF_A_CALL = 16 * 1024

/** Counts a body of so many bytes against the device that sends it. */
export function chargeBody({ requester }: Call, bytes: number, rateLimiter: RateLimiter): void {
  if (requester === undefined || 'origin' in requester || requester.unlimited === true || requester.deviceId === undefined) return
  rateLimiter.charge(deviceKey(requester), Math.floor(bytes / BYTES_OF_A_CALL))
}

const deviceKey = ({ userId, deviceId }: Requester): string => `${userId} ${deviceId}`

/** A server counts for itself; whoever has not logged in, or is about to, for the address; all others for device and user. */
function countsOf(call: Call): Count[] {
  const limiter = call.endpoint?.rateLimit ?? 'none'
  const { requester } = call
  if (limiter === 'none') return []
  if (requester === undefined || limiter === 'login' || limiter === 'registration') return [{ limiter, key: call.address }]
  if ('origin' in requester) return [{ limiter, key: requester.origin }]
  return requester.unlimited === true ? [] : countsOfUser(limiter, requester)
}

function countsOfUser(limiter: Limiter, requester: Requester): Count[] {
  const { userId, deviceId, messageLimit } = requester
  const own = limiter === 'message' ? messageLimit : undefined
  const ofUser = { limiter, key: userId, limit: own }
  // Whoever may send more than others may do so from one device.
  if (deviceId === undefined || own) return [ofUser]
  return [{ limiter: 'device', key: deviceKey(requester) }, ofUser]
}
