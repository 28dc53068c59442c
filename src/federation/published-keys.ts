/**
 * What other servers publish about their keys: which answers count, and what each key may be used for. No I/O.
 * https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys
 */
import type { ServerName } from '../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { tryCanonicalJson } from '../protocol/canonical-json.ts'
import { keyIdsOf, verifyJson, verifyKeyFrom } from '../protocol/signing.ts'
import type { StoredKey } from '../storage/server-keys.ts'

const WEEK_MS = 7 * 86_400_000
/** Keys in one answer, old ones included. Nobody in good faith comes near it. */
const MAX_KEYS_IN_ANSWER = 50
/** Keys that are kept of one server; the longest not seen are forgotten first. */
export const MAX_KEYS_OF_SERVER = 100
const MAX_KEY_ID_LENGTH = 128

/** What a key is wanted for. */
export type KeyUse =
  /** A signature made just now. `old_verify_keys` are only valid for signing events. */
  | { readonly kind: 'request' }
  /** An event of that `origin_server_ts`, in milliseconds; undefined in room versions that ignore validity (1 to 4). */
  | { readonly kind: 'event'; readonly at: number | undefined }

/** Whether `key` may confirm a signature. `now` is in milliseconds. */
export function mayBeUsed(key: StoredKey, use: KeyUse, now: number): boolean {
  if (use.kind === 'request') return !key.expired && validUntil(key) >= now
  // The `valid_until_ts` property must be at least as large as the `origin_server_ts` for the event being validated.
  return use.at === undefined || use.at <= validUntil(key)
}

/**
 * Servers MUST use the lesser of `valid_until_ts` and 7 days into the future when determining if a key is valid. The
 * seven days count from the answer, so that a key which its owner has withdrawn does not live on in our cache.
 */
export function validUntil(key: StoredKey): number {
  return key.expired ? key.validUntilTs : Math.min(key.validUntilTs, key.fetchedTs + WEEK_MS)
}

/** No key can be good for an event that far in the future, so there is none to look for. */
export function isBeyondAllKeys(use: KeyUse, now: number): boolean {
  return use.kind === 'event' && use.at !== undefined && use.at > now + WEEK_MS
}

/**
 * Reads the answer of a server, or of a notary for it, that came at `now` (milliseconds).
 * @returns the keys in it, or why none of it counts
 */
export function readServerKeys(answer: Json, server: ServerName, now: number): StoredKey[] | { readonly refused: string } {
  if (!isJsonObject(answer)) return { refused: 'it is no JSON object' }
  if (stringAt(answer, 'server_name') !== server) return { refused: 'it is for another server' }
  const validUntilTs = timestampAt(answer, 'valid_until_ts')
  if (validUntilTs === undefined) return { refused: 'valid_until_ts is no timestamp' }
  const current = Object.entries(objectAt(answer, 'verify_keys') ?? {})
  const old = Object.entries(objectAt(answer, 'old_verify_keys') ?? {})
  if (current.length + old.length > MAX_KEYS_IN_ANSWER) return { refused: `it lists more than ${MAX_KEYS_IN_ANSWER} keys` }
  const text = tryCanonicalJson(answer)
  if ('refused' in text) return text
  const fault = selfSignatureFault(answer, server)
  if (fault !== undefined) return { refused: fault }
  const base = { server, fetchedTs: now }
  return [
    ...current.flatMap(([keyId, entry]) => keyFrom(keyId, entry, { ...base, validUntilTs, expired: false, response: text.text })),
    ...old.flatMap(([keyId, entry]) => {
      const expiredTs = isJsonObject(entry) ? timestampAt(entry, 'expired_ts') : undefined
      return expiredTs === undefined
        ? []
        : keyFrom(keyId, entry, { ...base, validUntilTs: expiredTs, expired: true, response: '' })
    }),
  ]
}

/** The answer must be signed by one of the `verify_keys`, and by none of them wrongly. */
function selfSignatureFault(answer: JsonObject, server: ServerName): string | undefined {
  let signed = false
  for (const keyId of keyIdsOf(answer, server)) {
    const key = objectAt(objectAt(answer, 'verify_keys') ?? {}, keyId)
    const verifyKey = key === undefined ? undefined : verifyKeyFrom(stringAt(key, 'key') ?? '')
    if (verifyKey === undefined) continue
    if (!verifyJson(answer, server, keyId, verifyKey)) return `its signature with ${keyId.slice(0, MAX_KEY_ID_LENGTH)} is wrong`
    signed = true
  }
  return signed ? undefined : 'none of its verify_keys has signed it'
}

/** One key, or none where the entry is no Ed25519 key or one that must not be trusted. */
function keyFrom(keyId: string, entry: Json, rest: Omit<StoredKey, 'keyId' | 'publicKey'>): StoredKey[] {
  const publicKey = isJsonObject(entry) ? stringAt(entry, 'key') : undefined
  if (!keyId.startsWith('ed25519:') || keyId.length > MAX_KEY_ID_LENGTH) return []
  return publicKey === undefined || verifyKeyFrom(publicKey) === undefined ? [] : [{ keyId, publicKey, ...rest }]
}

function timestampAt(object: JsonObject, key: string): number | undefined {
  const value = object[key]
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}

/** Who gave an answer: the server itself, or a notary, which may have kept it for long. */
export type AnswerSource = 'server' | 'notary'

/**
 * Which of the keys in an answer replace, or join, what is `known` of their server, and what is forgotten for them.
 * A key that a server no longer lists stays known: old events are still signed with it.
 */
export function mergeKeys(
  known: ReadonlyMap<string, StoredKey>,
  answer: readonly StoredKey[],
  source: AnswerSource,
): { put: StoredKey[]; forget: StoredKey[] } {
  const put = answer.filter((key) => {
    const before = known.get(key.keyId)
    return before === undefined || source === 'server' || isNewer(key, before)
  })
  const replaced = new Set(put.map(({ keyId }) => keyId))
  const others = [...known.values()].filter(({ keyId }) => !replaced.has(keyId)).sort((a, b) => b.fetchedTs - a.fetchedTs)
  return { put, forget: others.slice(Math.max(0, MAX_KEYS_OF_SERVER - put.length)) }
}

/** A notary's answer does not bring back a key that was given up, nor shorten the life of one. */
function isNewer(key: StoredKey, before: StoredKey): boolean {
  if (key.expired !== before.expired) return key.expired
  return validUntil(key) > validUntil(before)
}
