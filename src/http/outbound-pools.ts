/** Connections to others: kept open for the next request, never to a denied address, never through a proxy. */
import type { LookupAddress } from 'node:dns'
import { readFileSync } from 'node:fs'
import { isIP, type LookupFunction } from 'node:net'
import { checkServerIdentity, createSecureContext, getCACertificates, type PeerCertificate, type SecureContext } from 'node:tls'
import { LRUCache } from 'lru-cache'
import { buildConnector, Pool } from 'undici'
import { addressRanges } from './address-ranges.ts'
import type { Names } from './names.ts'

export interface ConnectOptions {
  /** PEM files of authorities that are trusted beside the system's. */
  readonly customCaFiles: readonly string[]
  /** False: any certificate will do. For tests. */
  readonly verifyTls: boolean
  /** Addresses and CIDR ranges that are never connected to. */
  readonly ipRangeDenylist: readonly string[]
  readonly connectTimeoutMs?: number
}

export interface Origin {
  /** Scheme, host and port to connect to. */
  readonly url: string
  /** What the certificate must be for, where that is not the host. */
  readonly servername: string | undefined
}

/** The least used beyond these lose their connections once they are idle. */
const MAX_ORIGINS = 1000
const CONNECTIONS_PER_ORIGIN = 16
const CONNECT_TIMEOUT_MS = 10_000
/** Shorter than the 60 to 75 s for which servers usually keep theirs, so that we do not write into a closing one. */
const KEEP_ALIVE_MS = 50_000

export class ConnectionPools {
  readonly #options: ConnectOptions
  readonly #names: Pick<Names, 'addresses'>
  readonly #secureContext: SecureContext
  readonly #isDenied: (address: string) => boolean
  readonly #pools = new LRUCache<string, Pool>({ max: MAX_ORIGINS, dispose: (pool) => void pool.close() })

  constructor(options: ConnectOptions, names: Pick<Names, 'addresses'>) {
    this.#options = options
    this.#names = names
    this.#isDenied = addressRanges(options.ipRangeDenylist)
    // Made once: reading the system's authorities anew takes longer than a handshake.
    const custom = options.customCaFiles.map((file) => readFileSync(file, 'utf8'))
    this.#secureContext = createSecureContext({ ca: [...getCACertificates('default'), ...custom] })
  }

  of(origin: Origin): Pool {
    const key = `${origin.url} ${origin.servername ?? ''}`
    const known = this.#pools.get(key)
    if (known) return known
    const pool = new Pool(origin.url, {
      connect: this.#connector(origin),
      // Said here too: else all requests to a server wait for its first connection, to see which protocol it speaks.
      allowH2: false,
      connections: CONNECTIONS_PER_ORIGIN,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // The caller's deadline covers the whole request.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#pools.set(key, pool)
    return pool
  }

  /** Closes the connections, also those in use. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
  }

  #connector({ servername }: Origin): buildConnector.connector {
    const connect = buildConnector({
      allowH2: false,
      timeout: this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      secureContext: this.#secureContext,
      rejectUnauthorized: this.#options.verifyTls,
      lookup: this.#lookup,
      ...(servername !== undefined && {
        checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkServerIdentity(servername, certificate),
      }),
    })
    return (options, callback) => {
      if (isIP(options.hostname) !== 0 && this.#isDenied(options.hostname))
        return callback(new DeniedAddress(options.hostname), null)
      // An IP address is never sent as SNI.
      const name = servername === undefined || isIP(servername) !== 0 ? options.servername : servername
      connect({ ...options, ...(name !== undefined && { servername: name }) }, callback)
    }
  }

  /** The addresses that are checked are those that are connected to, so a name cannot change its mind in between. */
  readonly #lookup: LookupFunction = (hostname, { all }, callback) => {
    const found = (addresses: readonly LookupAddress[]) => {
      const allowed = addresses.filter(({ address }) => !this.#isDenied(address))
      const [first] = allowed
      if (first === undefined) callback(new DeniedAddress(hostname), '')
      else if (all) callback(null, allowed)
      else callback(null, first.address, first.family)
    }
    const failed = (error: Error) => callback(error, '')
    this.#names.addresses(hostname).then(found, failed)
  }
}

class DeniedAddress extends Error {
  readonly code = 'ERR_DENIED_ADDRESS'

  constructor(where: string) {
    super(`${where} is at a denied address`)
  }
}
