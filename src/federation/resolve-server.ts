/** Resolving server names, with the look-ups that it takes. https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names */
import type { ServerName } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import type { Outbound } from '../http/outbound.ts'
import { type HostAndPort, nextStep, type ServerAddress } from './discovery.ts'
import { LookupCache, type LookupOutcome } from './lookup-cache.ts'
import { fetchWellKnown, MAX_LIFETIME_MS } from './well-known.ts'

export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** Asks the DNS. Fails as `node:dns` does: the error's `code` says why. */
export interface DnsResolver {
  resolveSrv(name: string): Promise<readonly SrvRecord[]>
}

export interface ServerResolverOptions {
  readonly outbound: Pick<Outbound, 'request'>
  readonly clock: Clock
  /** 0 to 1. */
  readonly random: () => number
  /** `federation.host_overrides` of the configuration: for a server name, `host[:port]`. */
  readonly hostOverrides: Readonly<Record<string, string>>
  readonly dns: DnsResolver
  /** Tests cannot listen on port 443. */
  readonly wellKnownUrl?: (hostname: string) => string
}

const MINUTE_MS = 60_000
/** `resolveSrv` does not tell how long a record lives. */
const SRV_LIFETIME_MS = 10 * MINUTE_MS
const SRV_STALE_MS = 24 * 60 * MINUTE_MS
const WELL_KNOWN_RETRY = { firstMs: 5 * MINUTE_MS, capMs: 60 * MINUTE_MS }
const SRV_RETRY = { firstMs: 10_000, capMs: 5 * MINUTE_MS }
/** The name does not exist, or has no such record. */
const NO_RECORD: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA'])

/** Finds out where servers are, and remembers it. */
export class ServerResolver {
  readonly #overrides: ReadonlyMap<string, string>
  readonly #random: () => number
  readonly #wellKnown: LookupCache<ServerName | null>
  readonly #srv: LookupCache<readonly SrvRecord[]>

  constructor(options: ServerResolverOptions) {
    const { outbound, clock, random, hostOverrides, dns } = options
    const { wellKnownUrl = (hostname: string) => `https://${hostname}/.well-known/matrix/server` } = options
    this.#overrides = new Map(Object.entries(hostOverrides))
    this.#random = random
    this.#wellKnown = new LookupCache({
      clock,
      random,
      load: (hostname) => fetchWellKnown(outbound, wellKnownUrl(hostname), () => clock.now()),
      retry: WELL_KNOWN_RETRY,
      staleMs: MAX_LIFETIME_MS,
    })
    this.#srv = new LookupCache({ clock, random, load: (name) => lookUpSrv(dns, name), retry: SRV_RETRY, staleMs: SRV_STALE_MS })
  }

  /** Where `server` is, or why that cannot be found out. */
  async resolve(server: ServerName): Promise<ServerAddress | { readonly unresolvable: string }> {
    const srv = new Map<string, readonly HostAndPort[]>()
    let wellKnown: ServerName | null | undefined
    for (;;) {
      const step = nextStep(server, { override: this.#overrides.get(server), wellKnown, srv })
      if (step.kind === 'connect') return step.address
      if (step.kind === 'unresolvable') return { unresolvable: step.why }
      if (step.kind === 'ask-well-known') wellKnown = await this.#wellKnown.get(step.hostname)
      else srv.set(step.name, inOrder(await this.#srv.get(step.name), this.#random))
    }
  }
}

async function lookUpSrv(dns: DnsResolver, name: string): Promise<LookupOutcome<readonly SrvRecord[]>> {
  try {
    const records = await dns.resolveSrv(name)
    // RFC 2782: a target of "." means that the service is decidedly not available at this domain.
    return { kind: 'found', value: records.filter((record) => !['', '.'].includes(record.name)), lifetimeMs: SRV_LIFETIME_MS }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && NO_RECORD.has(cause.code)) {
      return { kind: 'found', value: [], lifetimeMs: SRV_LIFETIME_MS }
    }
    return { kind: 'failed', fallback: [] }
  }
}

/** RFC 2782: lower priorities first; among equals by chance, in proportion to their weights. */
export function inOrder(records: readonly SrvRecord[], random: () => number): HostAndPort[] {
  const drawn = records.map((record) => ({ record, rank: -Math.log(1 - random()) / (record.weight + 0.01) }))
  drawn.sort((a, b) => a.record.priority - b.record.priority || a.rank - b.rank)
  return drawn.map(({ record }) => ({ host: record.name, port: record.port }))
}
