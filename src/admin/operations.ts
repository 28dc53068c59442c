import { health, metrics } from '../../schemas/causeway.ts'
import { checkHealth, type Probe } from '../core/health.ts'
import type { Metrics } from '../core/metrics.ts'
import { content, respond } from '../http/reply.ts'
import { type Route, route } from '../http/route.ts'

const HEALTH_TIMEOUT_MS = 2_000

interface Deps {
  readonly metrics: Metrics
  /** The parts that must work, by name. */
  readonly probes: Readonly<Record<string, Probe>>
}

/** What load balancers, supervisors and Prometheus ask for. */
export function operationRoutes(deps: Deps): Route[] {
  return [
    route(health, async () => {
      const { status, body } = await checkHealth(deps.probes, AbortSignal.timeout(HEALTH_TIMEOUT_MS))
      return respond(status, { status: body.status, parts: { ...body.parts } }, { 'Cache-Control': 'no-store' })
    }),
    route(metrics, async () => {
      const { contentType, body } = await deps.metrics.expose()
      return content(body, { 'Content-Type': contentType })
    }),
  ]
}
