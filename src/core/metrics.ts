/** Prometheus metrics. The composition root makes one Metrics and hands out what each module asks for. */
import type { CacheUse } from './cache-use.ts'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  /** A request was answered. `route` is the declared path, never the path of the request: it would have no end of values. */
  httpAnswered(method: string, route: string, status: number, seconds: number): void
  /** An event was accepted. */
  eventAccepted(from: 'local' | 'remote'): void
  /** A group of writes is durable: how many it held, and how long that took. */
  committed(operations: number, seconds: number): void
  /** Has the use of a cache read at every scrape. */
  watchCache(name: string, use: Readonly<CacheUse>): void
  /** Has a number read at every scrape. */
  watch(what: Watched, read: () => number | Promise<number>): void
  /** The text that Prometheus scrapes. */
  expose(): Promise<{ contentType: string; body: string }>
}

const WATCHED = {
  connections: 'Open TCP connections of clients, proxies and other servers',
  syncs_waiting: '/sync requests that wait for something new',
  sync_sockets: 'Open WebSockets of /sync',
  federation_queue: 'PDUs and EDUs that wait to be sent to other servers',
  federation_destinations_waiting: 'Servers that did not answer and are tried again later',
  database_queue: 'Writes that wait for their commit',
}
export type Watched = keyof typeof WATCHED

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Metrics in a registry of their own, those of the process included. */
export function createMetrics(options: { readonly enabled: boolean }): Metrics {
  if (!options.enabled) return silentMetrics
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const name = 'causeway_http_request_seconds'
  const requests = new Histogram({
    name,
    help: 'Answered requests',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers,
  })
  // Looking a histogram up by its labels costs more than counting.
  const byKind = new Map<string, { observe(seconds: number): void }>()
  const events = new Counter({ name: 'causeway_events_total', help: 'Accepted events', labelNames: ['from'], registers })
  const watched = new Map<string, Readonly<CacheUse>>()
  const caches = new Counter({
    name: 'causeway_cache_total',
    help: 'Answers of caches',
    labelNames: ['cache', 'outcome'],
    registers: [],
    collect() {
      this.reset()
      for (const [cache, { hits, misses }] of watched) {
        this.labels(cache, 'hit').inc(hits)
        this.labels(cache, 'miss').inc(misses)
      }
    },
  })
  registry.registerMetric(caches)
  const commit = new Histogram({
    name: 'causeway_commit_seconds',
    help: 'Time until a group of writes is durable',
    buckets: SECONDS,
    registers,
  })
  const buckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]
  const group = new Histogram({ name: 'causeway_commit_operations', help: 'Writes in one commit', buckets, registers })
  return {
    httpAnswered(method, route, status, seconds) {
      const key = `${method} ${status} ${route}`
      let answered = byKind.get(key)
      if (!answered) byKind.set(key, (answered = requests.labels(method, route, String(status))))
      answered.observe(seconds)
    },
    eventAccepted: (from) => events.labels(from).inc(),
    committed(operations, seconds) {
      group.observe(operations)
      commit.observe(seconds)
    },
    watchCache: (cacheName, use) => void watched.set(cacheName, use),
    watch: (what, read) => watch(what, read, registry),
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

/** Counts nothing: for tests, and where metrics are switched off. */
export const silentMetrics: Metrics = {
  httpAnswered: ignore,
  eventAccepted: ignore,
  committed: ignore,
  watchCache: ignore,
  watch: ignore,
  expose: async () => ({ contentType: 'text/plain', body: '' }),
}

function watch(what: Watched, read: () => number | Promise<number>, registry: Registry): void {
  const gauge = new Gauge({
    name: `causeway_${what}`,
    help: WATCHED[what],
    registers: [],
    async collect() {
      this.set(await read())
    },
  })
  registry.registerMetric(gauge)
}

function ignore(): void {}
