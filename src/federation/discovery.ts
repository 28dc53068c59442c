/**
 * Resolving server names: what to do next, given what has been found so far. No I/O.
 * https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
 */
import { isIP } from 'node:net'
import type { ServerName } from '../../schemas/ids.ts'

const DEFAULT_PORT = 8448
const SRV_SERVICES = ['_matrix-fed._tcp', '_matrix._tcp'] as const

export interface HostAndPort {
  /** A DNS name, or an IP address without brackets. */
  readonly host: string
  readonly port: number
}

/** How to reach a server and what to hold it to. */
export interface ServerAddress {
  /** Where to connect; each further one is for when those before it do not answer. */
  readonly targets: readonly HostAndPort[]
  /** The DNS name, or IP address without brackets, that the certificate must be valid for. */
  readonly servername: string
  /** The `Host` header of requests. */
  readonly hostHeader: string
}

export interface Findings {
  /** `host_overrides` of the configuration, as `host[:port]`. */
  readonly override: string | undefined
  /** `m.server` of the well-known file, or null where that gave an error; undefined while not asked for. */
  readonly wellKnown: ServerName | null | undefined
  /** By name, the targets of SRV records in the order to try them; empty where there is no record. */
  readonly srv: ReadonlyMap<string, readonly HostAndPort[]>
}

export type Step =
  | { readonly kind: 'connect'; readonly address: ServerAddress }
  | { readonly kind: 'ask-well-known'; readonly hostname: string }
  | { readonly kind: 'ask-srv'; readonly name: string }
  | { readonly kind: 'unresolvable'; readonly why: string }

/** The next step in resolving `server`: a question whose answer goes into the findings, or the end. */
export function nextStep(server: ServerName, found: Findings): Step {
  const own = splitServerName(server)
  if (!own) return { kind: 'unresolvable', why: 'its name has an impossible port' }
  if (found.override !== undefined) return overridden(own.host, server, found.override)
  // 1. The hostname is an IP literal. 2. The server name includes an explicit port.
  if (own.isIp || own.port !== undefined) return direct(own, server)
  // 3. A regular HTTPS request is made to https://<hostname>/.well-known/matrix/server.
  if (found.wellKnown === undefined) return { kind: 'ask-well-known', hostname: own.host }
  const delegate = found.wellKnown === null ? undefined : splitServerName(found.wellKnown)
  if (found.wellKnown === null || !delegate) return bySrv(own.host, found)
  // 3.1 <delegated_hostname> is an IP literal. 3.2 <delegated_port> is present.
  if (delegate.isIp || delegate.port !== undefined) return direct(delegate, found.wellKnown)
  return bySrv(delegate.host, found)
}

/** 3.3 to 3.5 for a delegated hostname, 4. to 6. for the server's own: the same steps. */
function bySrv(host: string, found: Findings): Step {
  for (const service of SRV_SERVICES) {
    const name = `${service}.${host}`
    const targets = found.srv.get(name)
    if (!targets) return { kind: 'ask-srv', name }
    // The target server must present a valid certificate for <hostname>, not for the target of the record.
    if (targets.length > 0) return connect({ targets, servername: host, hostHeader: host })
  }
  return connect({ targets: [{ host, port: DEFAULT_PORT }], servername: host, hostHeader: host })
}

function direct({ host, port = DEFAULT_PORT }: SplitName, hostHeader: string): Step {
  return connect({ targets: [{ host, port }], servername: host, hostHeader })
}

function overridden(servername: string, server: ServerName, override: string): Step {
  const address = splitServerName(override)
  if (!address) return { kind: 'unresolvable', why: `host_overrides gives the address "${override}", which is not host[:port]` }
  const { host, port = DEFAULT_PORT } = address
  return connect({ targets: [{ host, port }], servername, hostHeader: server })
}

function connect(address: ServerAddress): Step {
  return { kind: 'connect', address }
}

interface SplitName {
  readonly host: string
  readonly port: number | undefined
  readonly isIp: boolean
}

function splitServerName(name: string): SplitName | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::([0-9]{1,5}))?$/.exec(name) ?? []
  const host = bracketed ?? plain
  const port = digits === undefined ? undefined : Number(digits)
  if (host === undefined || port === 0 || (port ?? 0) > 65_535) return undefined
  const isIp = isIP(host) !== 0
  if (bracketed !== undefined && !isIp) return undefined
  return { host, port, isIp }
}
