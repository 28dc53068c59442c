/**
 * The verify keys of other servers: remembered, fetched from them, or from notaries that we trust.
 * https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys
 */
import type { KeyObject } from 'node:crypto'
import { RecentCache } from '../core/recent-cache.ts'
import type { ServerName } from '../../schemas/ids.ts'
import { isJsonObject, type Json, stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { Limiter } from '../core/limiter.ts'
import { keyIdsOf, verifyJson, verifyKeyFrom } from '../protocol/signing.ts'
import type { StoredKey } from '../storage/server-keys.ts'
import type { KeyCriteria, KeyFetcher } from './key-fetcher.ts'
import type { OwnKeys } from './own-keys.ts'
import { type AnswerSource, isBeyondAllKeys, type KeyUse, mayBeUsed, mergeKeys, readServerKeys } from './published-keys.ts'
import { RetryGate } from './retry-gate.ts'

export interface ServerKeyStore {
  /** All keys that are known of these servers. */
  keysOf(servers: readonly ServerName[]): Promise<StoredKey[]>
  /** Adds or replaces keys and forgets others; resolves when that is durable. */
  change(keys: { readonly put: readonly StoredKey[]; readonly forget: readonly StoredKey[] }): Promise<void>
}

/** A key that a signature names, and what the signature is of. */
export interface KeyWanted {
  readonly server: ServerName
  readonly keyId: string
  readonly use: KeyUse
}

export interface KeyRingOptions {
  readonly own: OwnKeys
  readonly store: ServerKeyStore
  readonly fetcher: KeyFetcher
  readonly clock: Clock
  /** 0 to 1. */
  readonly random: () => number
  /** `federation.trusted_key_servers` of the configuration. */
  readonly notaries: readonly ServerName[]
}

/** A key in memory, without the answer that it came in. */
interface RingKey extends StoredKey {
  /** Made when it is first used. */
  verifyKey: KeyObject | undefined
}

const MAX_SERVERS_IN_MEMORY = 50_000
/** Whoever sends a request can make us ask the server that it claims to come from: not all at once, nor without end. */
const FETCHES_AT_ONCE = { request: 32, event: 64 }
const MAX_WAITING_REQUESTS = 1_000
/** Rather than so many servers one by one, of which some are gone, notaries are asked first. */
const MANY_SERVERS = 16
const SERVERS_IN_QUERY = 100
/** After answers without the wanted key. The server may have got a new one since, so the wait stays short. */
const RETRY = { freeFailures: 2, firstMs: 10_000, capMs: 300_000 }

export class KeyRing {
  readonly #options: KeyRingOptions
  readonly #memory = new RecentCache<ServerName, Map<string, RingKey>>(MAX_SERVERS_IN_MEMORY)
  readonly #fetching = new Map<ServerName, Promise<void>>()
  readonly #limiters = { request: new Limiter(FETCHES_AT_ONCE.request), event: new Limiter(FETCHES_AT_ONCE.event) }
  readonly #gate: RetryGate

  constructor(options: KeyRingOptions) {
    this.#options = options
    this.#gate = new RetryGate({ clock: options.clock, random: options.random, policy: RETRY })
  }

  /** The key, or undefined where it cannot be had or is not good for that use. */
  async keyFor(wanted: KeyWanted): Promise<KeyObject | undefined> {
    const [key] = await this.keysFor([wanted])
    return key
  }

  /** As `keyFor` for many; each server is asked at most once. */
  async keysFor(wanted: readonly KeyWanted[]): Promise<(KeyObject | undefined)[]> {
    await this.#load(wanted)
    const missing = wanted.filter((each) => this.#isWorthFetching(each) && !this.#find(each))
    if (missing.length > 0) await this.#fetch(missing)
    return wanted.map((each) => this.#find(each))
  }

  /** As `keysFor`, from what is known already. */
  async knownKeys(wanted: readonly KeyWanted[]): Promise<(KeyObject | undefined)[]> {
    await this.#load(wanted)
    return wanted.map((each) => this.#find(each))
  }

  /** Asks a server for its keys anew, unless that did not help lately. What comes is in the store when `hasHelped` is asked. */
  async refresh(server: ServerName, hasHelped: () => Promise<boolean>): Promise<void> {
    if (this.#gate.waitMs(server) > 0 || this.#isFlooded('request')) return
    const startedAt = this.#options.clock.now()
    await this.#fetchFrom(server, 'request')
    this.#note(server, startedAt, await hasHelped())
  }

  #find({ server, keyId, use }: KeyWanted): KeyObject | undefined {
    const { own, clock } = this.#options
    if (server === own.serverName) return own.verifyKey(keyId, use)
    const key = this.#keysOf(server).get(keyId)
    if (!key || !mayBeUsed(key, use, clock.now())) return undefined
    key.verifyKey ??= verifyKeyFrom(key.publicKey)
    return key.verifyKey
  }

  #isWorthFetching({ server, use }: KeyWanted): boolean {
    const { own, clock } = this.#options
    return server !== own.serverName && !isBeyondAllKeys(use, clock.now()) && !this.#isFlooded(use.kind)
  }

  #isFlooded(kind: KeyUse['kind']): boolean {
    return kind === 'request' && this.#limiters.request.waiting >= MAX_WAITING_REQUESTS
  }

  #keysOf(server: ServerName): ReadonlyMap<string, RingKey> {
    return this.#memory.get(server) ?? NO_KEYS
  }

  /** Reads from the store what is not in memory. */
  async #load(of: readonly { readonly server: ServerName }[]): Promise<void> {
    const servers = [...new Set(of.map(({ server }) => server))].filter((server) => !this.#memory.has(server))
    if (servers.length === 0) return
    const stored = Map.groupBy(await this.#options.store.keysOf(servers), ({ server }) => server)
    for (const server of servers) {
      // Somebody else may have read, and fetched, meanwhile.
      if (!this.#memory.has(server)) this.#remember(server, new Map(), stored.get(server) ?? [])
    }
  }

  #remember(server: ServerName, known: Map<string, RingKey>, keys: readonly StoredKey[]): void {
    for (const key of keys) known.set(key.keyId, { ...key, response: '', verifyKey: undefined })
    this.#memory.set(server, known)
  }

  /** From the servers themselves, then what they do not give from notaries; where there are many, the other way round. */
  async #fetch(missing: readonly KeyWanted[]): Promise<void> {
    const startedAt = this.#options.clock.now()
    const byServer = Map.groupBy(missing, ({ server }) => server)
    const servers = [...byServer.keys()].filter((server) => this.#gate.waitMs(server) === 0)
    const stillMissing = () => servers.flatMap((server) => (byServer.get(server) ?? []).filter((each) => !this.#find(each)))
    const ways = [() => this.#askServers(stillMissing()), () => this.#askNotaries(stillMissing)]
    for (const ask of servers.length > MANY_SERVERS ? ways.toReversed() : ways) await ask()
    const inVain = new Set(stillMissing().map(({ server }) => server))
    for (const server of servers) this.#note(server, startedAt, !inVain.has(server))
  }

  #note(server: ServerName, startedAt: number, helped: boolean): void {
    if (helped) this.#gate.alive(server)
    else this.#gate.failed(server, startedAt)
  }

  async #askServers(missing: readonly KeyWanted[]): Promise<void> {
    const kinds = new Map(missing.map(({ server, use }) => [server, use.kind]))
    await Promise.all([...kinds].map(([server, kind]) => this.#fetchFrom(server, kind)))
  }

  /** Those who want the keys of a server at the same time share one request. */
  #fetchFrom(server: ServerName, kind: KeyUse['kind']): Promise<void> {
    const running = this.#fetching.get(server)
    if (running) return running
    const fetching = this.#limiters[kind]
      .run(async () => this.#take(await this.#options.fetcher.fromServer(server), server, 'server'))
      .finally(() => this.#fetching.delete(server))
    this.#fetching.set(server, fetching)
    return fetching
  }

  /** A server that signs a request is there to be asked itself; who only pretends to be it shall not keep notaries busy. */
  async #askNotaries(stillMissing: () => readonly KeyWanted[]): Promise<void> {
    const { notaries, own, fetcher } = this.#options
    for (const notary of notaries.filter((name) => name !== own.serverName)) {
      for (const criteria of queries(stillMissing().filter(({ server, use }) => server !== notary && use.kind === 'event'))) {
        for (const answer of await fetcher.fromNotary(notary, criteria)) {
          const server = isJsonObject(answer) ? stringAt(answer, 'server_name') : undefined
          if (server === undefined || !isAsked(criteria, server)) continue
          if (await this.#isSignedBy(answer, notary)) await this.#take(answer, server, 'notary')
        }
      }
    }
  }

  /** Whether a notary has signed an answer, by the keys that it publishes itself. */
  async #isSignedBy(answer: Json, notary: ServerName): Promise<boolean> {
    if (!isJsonObject(answer)) return false
    const wanted = keyIdsOf(answer, notary).map((keyId): KeyWanted => ({ server: notary, keyId, use: { kind: 'request' } }))
    await this.#load([{ server: notary }])
    if (!wanted.some((each) => this.#find(each))) await this.#fetchFrom(notary, 'event')
    return wanted.some((each) => {
      const key = this.#find(each)
      return key !== undefined && verifyJson(answer, notary, each.keyId, key)
    })
  }

  /** Takes the keys out of an answer that can be believed. */
  async #take(answer: Json | undefined, server: ServerName, source: AnswerSource): Promise<void> {
    const keys = answer === undefined ? [] : readServerKeys(answer, server, this.#options.clock.now())
    if ('refused' in keys || keys.length === 0) return
    await this.#load([{ server }])
    const known = new Map(this.#keysOf(server))
    const changes = mergeKeys(known, keys, source)
    for (const { keyId } of changes.forget) known.delete(keyId)
    this.#remember(server, known, changes.put)
    await this.#options.store.change(changes)
  }
}

const NO_KEYS: ReadonlyMap<string, RingKey> = new Map()

function isAsked(criteria: KeyCriteria, server: string): server is ServerName {
  return Object.hasOwn(criteria, server)
}

/** The questions for a notary, which MUST say until when a key has to be valid. */
function* queries(missing: readonly KeyWanted[]): Generator<KeyCriteria> {
  const byServer = [...Map.groupBy(missing, ({ server }) => server)]
  for (let start = 0; start < byServer.length; start += SERVERS_IN_QUERY) {
    const part = byServer.slice(start, start + SERVERS_IN_QUERY)
    yield Object.fromEntries(part.map(([server, keys]) => [server, criteriaOf(keys)]))
  }
}

function criteriaOf(keys: readonly KeyWanted[]): KeyCriteria[string] {
  const latest = new Map<string, number>()
  for (const { keyId, use } of keys) {
    latest.set(keyId, Math.max(latest.get(keyId) ?? 0, use.kind === 'event' ? (use.at ?? 0) : 0))
  }
  return Object.fromEntries([...latest].map(([keyId, at]) => [keyId, { minimum_valid_until_ts: at }]))
}
