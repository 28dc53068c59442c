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

/** A server counts for itself; whoever has not logged in, or is about to, for the address; all others for device and user. */
function countsOf(call: Call): Count[] {
  const limiter = call.endpoint?.rateLimit ?? 'none'
  const { requester } = call
  if (limiter === 'none') return []
  if (requester === undefined || limiter === 'login' || limiter === 'registration') return [{ limiter, key: call.address }]
  if ('origin' in requester) return [{ limiter, key: requester.origin }]
  return requester.unlimited === true ? [] : countsOfUser(limiter, requester)
}

function countsOfUser(limiter: Limiter, { userId, deviceId, messageLimit }: Requester): Count[] {
  const own = limiter === 'message' ? messageLimit : undefined
  const ofUser = { limiter, key: userId, limit: own }
  // Whoever may send more than others may do so from one device.
  if (deviceId === undefined || own) return [ofUser]
  return [{ limiter: 'device', key: `${userId} ${deviceId}` }, ofUser]
}
