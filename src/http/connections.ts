/** How many TCP connections are open, from whom, and which are too many. */
import type { Socket } from 'node:net'
import type { Logger } from '../core/logger.ts'
import { openFilesLimit } from '../core/open-files.ts'
import { Tally } from '../core/tally.ts'
import { addressRanges } from './address-ranges.ts'
import { networkOf, peerAddress } from './client-address.ts'

/** Of what the system lets the process open, this is for the database, media, and connections to others: a quarter, where that is less. */
const RESERVED_FILES = 2_000
const SHARE_RESERVED = 1 / 4
/** Of all connections, for one address, where the system allows few. */
const SHARE_OF_ADDRESS = 1 / 2
/** Addresses on which more than one client is found, though they are one address: the machine itself. */
export const LOOPBACK = ['127.0.0.0/8', '::1']

export interface ConnectionLimits {
  readonly maxOfAddress: number
  /** Ranges of addresses with any number: reverse proxies, through which everybody comes. */
  readonly unbounded: readonly string[]
  /** How many files and sockets the process may have open. */
  readonly openFiles: number
}

/** From the settings, and what the system allows now. */
export function connectionLimits(config: {
  maxConnectionsPerAddress: number
  trustedProxies: readonly string[]
}): ConnectionLimits {
  return {
    maxOfAddress: config.maxConnectionsPerAddress,
    unbounded: [...LOOPBACK, ...config.trustedProxies],
    openFiles: openFilesLimit(),
  }
}

/** The connections of all listeners. Where they are too many, new ones are closed at once, and those that are there stay. */
export class Connections {
  readonly #max: number
  readonly #maxOfAddress: number
  readonly #isUnbounded: (address: string) => boolean
  readonly #limits: ConnectionLimits
  readonly #log: Pick<Logger, 'warn'>
  readonly #byNetwork = new Tally<string>()
  /** Networks of which the log says that they have too many; `undefined` is all of them together. */
  readonly #told = new Set<string | undefined>()
  #open = 0

  constructor(limits: ConnectionLimits, log: Pick<Logger, 'warn'>) {
    this.#max = Math.floor(limits.openFiles - Math.min(RESERVED_FILES, limits.openFiles * SHARE_RESERVED))
    this.#maxOfAddress = Math.min(limits.maxOfAddress, Math.max(1, Math.floor(this.#max * SHARE_OF_ADDRESS)))
    this.#isUnbounded = addressRanges(limits.unbounded)
    this.#limits = limits
    this.#log = log
  }

  /** How many are open. */
  get size(): number {
    return this.#open
  }

  /** Counts a connection for as long as it is open, or closes it. */
  readonly take = (socket: Socket): void => {
    const address = peerAddress(socket)
    // Who has gone already has none.
    const network = address === '' || this.#isUnbounded(address) ? undefined : networkOf(address)
    if (this.#open >= this.#max) return this.#refuse(socket, undefined)
    if (network !== undefined && this.#byNetwork.of(network) >= this.#maxOfAddress) return this.#refuse(socket, network)
    this.#open += 1
    if (network !== undefined) this.#byNetwork.add(network)
    socket.once('close', () => this.#closed(network))
  }

  #closed(network: string | undefined): void {
    this.#open -= 1
    if (this.#open <= this.#max / 2) this.#told.delete(undefined)
    if (network === undefined) return
    this.#byNetwork.remove(network)
    if (this.#byNetwork.of(network) <= this.#maxOfAddress / 2) this.#told.delete(network)
  }

  /** Tells of the first of many. */
  #refuse(socket: Socket, network: string | undefined): void {
    socket.destroy()
    if (this.#told.has(network)) return
    this.#told.add(network)
    if (network === undefined) this.#log.warn({ connections: this.#max, openFiles: this.#limits.openFiles }, FULL)
    else this.#log.warn({ address: network, connections: this.#maxOfAddress }, FULL_ADDRESS)
  }
}

const FULL =
  'No more connections are taken: so many are open that the process is near its limit of open files (LimitNOFILE in a systemd unit, ulimit -n in a shell)'
const FULL_ADDRESS =
  'No more connections are taken from this address (max_connections_per_address, or fewer where few files may be open); if it is a reverse proxy, it belongs in trusted_proxies'
