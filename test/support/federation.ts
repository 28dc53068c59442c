/** The federation transport of one server of ours, for tests against remote servers. */
import type { ServerName } from '../../schemas/ids.ts'
import type { Clock } from '../../src/core/clock.ts'
import { FederationClient } from '../../src/federation/client.ts'
import { type KeyFetcher, keyFetcher } from '../../src/federation/key-fetcher.ts'
import { KeyRing, type ServerKeyStore } from '../../src/federation/key-ring.ts'
import { KeyNotary } from '../../src/federation/notary.ts'
import { type OldVerifyKey, OwnKeys } from '../../src/federation/own-keys.ts'
import { ServerResolver } from '../../src/federation/resolve-server.ts'
import { RetryGate } from '../../src/federation/retry-gate.ts'
import type { StoredKey } from '../../src/storage/server-keys.ts'
import { FakeClock } from './clock.ts'
import { type FederationLab, newSigningKey } from './remote-server.ts'

/** Keys in memory. */
export class MemoryKeyStore implements ServerKeyStore {
  readonly keys = new Map<string, StoredKey>()

  async keysOf(servers: readonly ServerName[]): Promise<StoredKey[]> {
    return [...this.keys.values()].filter(({ server }) => servers.includes(server))
  }

  async change({ put, forget }: { readonly put: readonly StoredKey[]; readonly forget: readonly StoredKey[] }): Promise<void> {
    for (const key of forget) this.keys.delete(`${key.server} ${key.keyId}`)
    for (const key of put) this.keys.set(`${key.server} ${key.keyId}`, key)
  }
}

export interface LocalOptions {
  readonly notaries?: readonly ServerName[]
  readonly oldKeys?: readonly OldVerifyKey[]
  readonly mayCall?: (server: ServerName) => boolean
  readonly clock?: Clock
  readonly store?: ServerKeyStore
  readonly fetcher?: KeyFetcher
  /** Instead of the lab's `hostOverrides`. */
  readonly resolver?: Pick<ServerResolver, 'resolve'>
}

const random = (): number => 1

/** A DNS without SRV records. */
export const NO_DNS = { resolveSrv: async () => [] }

export const OUR_NAME = 'ours.test' as ServerName

/** Everything that stands between this server and others, wired as the composition root does it. */
export function localFederation(lab: FederationLab, options: LocalOptions = {}) {
  const { notaries = [], oldKeys = [], mayCall = () => true, clock = new FakeClock(Date.now()) } = options
  const { store = new MemoryKeyStore() } = options

  const { outbound, hostOverrides } = lab
  const own = new OwnKeys({ serverName: OUR_NAME, signingKeys: [newSigningKey('ours')], oldKeys, clock })
  const gate = new RetryGate({ clock, random, policy: { firstMs: 1_000, capMs: 3_600_000 } })
  const resolver: Pick<ServerResolver, 'resolve'> = options.resolver ?? {
    // Servers that a test starts later are found too.
    resolve: (server) => new ServerResolver({ outbound, clock, random, hostOverrides, dns: NO_DNS }).resolve(server),
  }
  const { signingKey } = own
  const client = new FederationClient({
    serverName: OUR_NAME,
    signingKey,
    outbound,
    resolver,
    gate,
    clock,
    mayCall,
    userAgent: 'Causeway/test',
  })
  const keyRing = new KeyRing({ own, store, fetcher: options.fetcher ?? keyFetcher(client), clock, random, notaries })
  const notary = new KeyNotary({ own, keyRing, store, clock })
  return { own, gate, client, keyRing, notary, store, clock, mayCall, resolver }
}
