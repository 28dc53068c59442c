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

/** One line a request. It names the declared path only, so that neither tokens nor what stands in queries get in. */
export function logAccess(log: Logger, call: Call, status: number, seconds: number): void {
  if (!log.isLevelEnabled('info')) return
  log.info(
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

function callerOf({ requester }: Call): string | undefined {
  if (requester === undefined) return undefined
  return 'origin' in requester ? requester.origin : requester.userId
}
