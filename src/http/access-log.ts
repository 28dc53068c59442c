import type { Logger } from '../core/logger.ts'
import type { Call } from './call.ts'

/** One answered request, for metrics. */
export interface Observation {
  /** The declared path; undefined for what no route serves. */
  readonly route: string | undefined
  readonly method: string
  readonly status: number
  readonly seconds: number
}

/** Every client asks again as soon as it has been answered: a line for each message and reader would bury all others. */
const POLLS = /^\/_matrix\/client\/(?:v3|r0|v4|unstable\/org\.matrix\.simplified_msc3575)\/sync$/

/** One line a request; for a poll that was answered as it should be, only at level `debug`. It names the declared path only, so that neither tokens nor what stands in queries get in. */
export function logAccess(log: Logger, call: Call, status: number, seconds: number): void {
  const level = status === 200 && isPoll(call.routePath) ? 'debug' : 'info'
  if (!log.isLevelEnabled(level)) return
  log[level](
    {
      requestId: call.requestId,
      method: call.method,
      route: call.routePath,
      status,
      ms: Math.round(seconds * 1_000_000) / 1000,
      user: callerOf(call),
      address: call.address,
    },
    'Answered',
  )
}

const isPoll = (routePath: string | undefined): boolean =>
  routePath !== undefined && routePath.endsWith('/sync') && POLLS.test(routePath)

function callerOf({ requester }: Call): string | undefined {
  if (requester === undefined) return undefined
  return 'origin' in requester ? requester.origin : requester.userId
}
