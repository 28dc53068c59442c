/**
 * What is at a name. Which names are asked for is up to clients and other servers, and so is how long an answer takes; thus no
 * thread waits for one (ADR 15), and a name without an answer holds up no other.
 */
import { ADDRCONFIG, type LookupAddress, type ResolverOptions, type SrvRecord } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import type { Clock } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'
import { UnderWay } from '../core/under-way.ts'
import { HostsFile, systemHostsFile } from './hosts-file.ts'

export interface NamesOptions {
  readonly clock: Clock
  /** Those that are asked in place of the system's, as `address:port`. */
  readonly dnsServers?: readonly string[]
  readonly hostsFile?: string
  /** How long they may keep silent. */
  readonly patience?: ResolverOptions
}

/** A server that keeps silent is given up after 8 s. */
const PATIENCE = { timeout: 3_000, tries: 2 }
/** The system's settings (`/etc/resolv.conf`) are read as often: they change when a machine comes into another network. */
const RESOLVER_LIVES_MS = 60_000
const MAX_WAITING = 5_000
const MAX_WAITING_FOR_SYSTEM = 16
/** Names that the system finds in its own ways: with search domains, by multicast, or in itself. */
const OF_THE_SYSTEM = /^[^.]*$|\.(local|localhost)\.?$/i

/** Fails as `node:dns` does: the error's `code` says why. */
export class Names implements Disposable {
  readonly #options: NamesOptions
  readonly #hosts: HostsFile
  readonly #addresses = new UnderWay<readonly LookupAddress[]>(MAX_WAITING, tooMany)
  readonly #services = new UnderWay<readonly SrvRecord[]>(MAX_WAITING, tooMany)
  /** The system lets two threads look for names. The other one is left to those that are not asked for here: mail servers. */
  readonly #system = new Limiter(1)
  #resolver: Resolver | undefined
  #madeAt = 0
  #isOver = false

  constructor(options: NamesOptions) {
    this.#options = options
    this.#hosts = new HostsFile(options.hostsFile ?? systemHostsFile(), options.clock)
  }

  /** At least one address. */
  addresses(name: string): Promise<readonly LookupAddress[]> {
    return this.#addresses.get(name, () => this.#find(name))
  }

  resolveSrv(name: string): Promise<readonly SrvRecord[]> {
    return this.#services.get(name, () => this.#dns().resolveSrv(name))
  }

  /** What is asked for fails, but for one name at most that the system is looking for. */
  [Symbol.dispose](): void {
    this.#isOver = true
    this.#resolver?.cancel()
  }

  async #find(name: string): Promise<readonly LookupAddress[]> {
    const listed = await this.#hosts.addressesOf(name)
    if (listed) return listed
    return OF_THE_SYSTEM.test(name) ? this.#askSystem(name) : this.#askDns(name)
  }

  async #askSystem(name: string): Promise<LookupAddress[]> {
    if (this.#system.waiting >= MAX_WAITING_FOR_SYSTEM) throw tooMany(name)
    return this.#system.run(async () => {
      if (this.#isOver) throw failure('ECANCELLED', `${name} is not looked up any more`)
      return lookup(name, { all: true, hints: ADDRCONFIG })
    })
  }

  /** One kind of addresses is enough. As usual, IPv6 is tried first. */
  async #askDns(name: string): Promise<LookupAddress[]> {
    const resolver = this.#dns()
    const [six, four] = await Promise.allSettled([resolver.resolve6(name), resolver.resolve4(name)])
    if (six.status === 'rejected' && four.status === 'rejected') throw four.reason
    return [...each(six, 6), ...each(four, 4)]
  }

  #dns(): Resolver {
    const { clock, dnsServers, patience = PATIENCE } = this.#options
    const now = clock.now()
    if (this.#resolver && Math.abs(now - this.#madeAt) < RESOLVER_LIVES_MS) return this.#resolver
    this.#madeAt = now
    const resolver = new Resolver(patience)
    if (dnsServers) resolver.setServers(dnsServers)
    this.#resolver = resolver
    return resolver
  }
}

function each(found: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return found.status === 'fulfilled' ? found.value.map((address) => ({ address, family })) : []
}

function tooMany(name: string): Error {
  return failure('EAGAIN', `Too many names are looked up, ${name} is not`)
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
