/** This server as a notary. https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server */
import type { ServerName } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { signJson } from '../protocol/signing.ts'
import { parseJson } from '../core/json-text.ts'
import type { StoredKey } from '../storage/server-keys.ts'
import type { KeyRing, ServerKeyStore } from './key-ring.ts'
import type { OwnKeys } from './own-keys.ts'

export interface NotaryQuery {
  readonly server: ServerName
  /** The wanted keys, each with the time in milliseconds until which it should be valid; all keys where there are none. */
  readonly keyIds: ReadonlyMap<string, number>
  /** The same time, where all keys are wanted. */
  readonly validUntil: number
}

export interface KeyNotaryOptions {
  readonly own: OwnKeys
  readonly keyRing: Pick<KeyRing, 'refresh'>
  readonly store: Pick<ServerKeyStore, 'keysOf'>
  readonly clock: Clock
}

/** An answer of another server that was kept. */
interface Kept {
  readonly json: JsonObject
  readonly validUntilTs: number
  readonly fetchedTs: number
}

/** A server that once gave many answers need not be quoted with all of them. */
const MAX_ANSWERS = 10
const A_MOMENT_MS = 10_000

export class KeyNotary {
  readonly #options: KeyNotaryOptions

  constructor(options: KeyNotaryOptions) {
    this.#options = options
  }

  /**
   * What other servers have published, with this server's signature added. A server that does not answer is quoted with
   * what it said before; one that never did is left out.
   */
  async answer(queries: readonly NotaryQuery[]): Promise<JsonObject[]> {
    const answers = await Promise.all(queries.map((query) => this.#answersFor(query)))
    return answers.flat()
  }

  async #answersFor(query: NotaryQuery): Promise<JsonObject[]> {
    const { own, keyRing, store, clock } = this.#options
    const { server } = query
    if (server === own.serverName) return [own.published()]
    const isEnough = (keys: readonly StoredKey[]) => suffices(keptAnswers(keys), query, clock.now())
    let keys = await store.keysOf([server])
    if (!isEnough(keys)) {
      const known = new Set(keys.map(({ keyId }) => keyId))
      await keyRing.refresh(server, async () => {
        keys = await store.keysOf([server])
        return isEnough(keys) || keys.some(({ keyId }) => !known.has(keyId))
      })
    }
    return bestAnswers(keptAnswers(keys), query).map(({ json }) => signJson(json, own.serverName, own.signingKey))
  }
}

/** Whether all that is asked for is there: valid for as long as wanted, and not so old that a fresh answer would be better. */
function suffices(kept: readonly Kept[], { keyIds, validUntil }: NotaryQuery, now: number): boolean {
  // What the server has said a moment ago, it would say again.
  const isJustAsked = kept.some(({ fetchedTs }) => now - fetchedTs < A_MOMENT_MS)
  const isGood = (answer: Kept, until: number) => answer.validUntilTs >= until && (isJustAsked || isFresh(answer, now))
  if (keyIds.size === 0) return kept.some((answer) => isGood(answer, validUntil))
  return [...keyIds].every(([keyId, until]) => kept.some((answer) => lists(answer, keyId) && isGood(answer, until)))
}

/** Intermediate notary servers should cache a response for half of its lifetime to avoid serving a stale response. */
function isFresh({ validUntilTs, fetchedTs }: Kept, now: number): boolean {
  return now <= (fetchedTs + validUntilTs) / 2
}

/** For each wanted key the answer that is valid for longest; all answers where no keys are named. */
function bestAnswers(kept: readonly Kept[], { keyIds }: NotaryQuery): readonly Kept[] {
  if (keyIds.size === 0) return kept
  return [...new Set([...keyIds.keys()].flatMap((keyId) => kept.find((answer) => lists(answer, keyId)) ?? []))]
}

function lists({ json }: Kept, keyId: string): boolean {
  return ['verify_keys', 'old_verify_keys'].some((member) => isJsonObject(json[member]) && Object.hasOwn(json[member], keyId))
}

/** The answers that keys came in, each once, the one that is valid for longest first. */
function keptAnswers(keys: readonly StoredKey[]): Kept[] {
  const byText = new Map(keys.filter(({ response }) => response !== '').map((key) => [key.response, key]))
  return [...byText]
    .sort(([, a], [, b]) => b.validUntilTs - a.validUntilTs)
    .slice(0, MAX_ANSWERS)
    .flatMap(([text, { validUntilTs, fetchedTs }]) => {
      const json = parseJson(text)
      return isJsonObject(json) ? [{ json, validUntilTs, fetchedTs }] : []
    })
}
