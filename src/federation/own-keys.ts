import type { KeyObject } from 'node:crypto'
import type { ServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { signJson, type SigningKey, verifyKeyFrom } from '../protocol/signing.ts'
import type { KeyUse } from './published-keys.ts'

/** A key that this server signed with before. */
export interface OldVerifyKey {
  readonly keyId: string
  /** Unpadded base64. */
  readonly publicKey: string
  /** When it was given up, in milliseconds since the epoch. */
  readonly expiredTs: number
}

export interface OwnKeysOptions {
  readonly serverName: ServerName
  /** The one that signs first; the others are published beside it. */
  readonly signingKeys: readonly [SigningKey, ...SigningKey[]]
  readonly oldKeys: readonly OldVerifyKey[]
  readonly clock: Clock
}

const DAY_MS = 86_400_000

/** This server's keys, and what it publishes about them. */
export class OwnKeys {
  readonly serverName: ServerName
  /** What everything of ours is signed with. */
  readonly signingKey: SigningKey
  readonly #options: OwnKeysOptions
  readonly #current: ReadonlyMap<string, KeyObject>
  readonly #old: ReadonlyMap<string, { key: KeyObject; expiredTs: number }>
  #published: JsonObject | undefined
  #renewAt = 0

  /** @throws {Error} where an old key is no Ed25519 key */
  constructor(options: OwnKeysOptions) {
    this.#options = options
    this.serverName = options.serverName
    this.signingKey = options.signingKeys[0]
    this.#current = new Map(options.signingKeys.map(({ keyId, publicKey }) => [keyId, keyObject(keyId, publicKey)]))
    this.#old = new Map(
      options.oldKeys.map(({ keyId, publicKey, expiredTs }) => [keyId, { key: keyObject(keyId, publicKey), expiredTs }]),
    )
  }

  /**
   * The signed answer to `GET /_matrix/key/v2/server`. Originating servers should avoid returning responses that expire
   * in less than an hour: ours is valid for a day and made anew when half of that is over.
   */
  published(): JsonObject {
    const now = this.#options.clock.now()
    if (this.#published === undefined || now >= this.#renewAt) {
      this.#published = this.#sign(now + DAY_MS)
      this.#renewAt = now + DAY_MS / 2
    }
    return this.#published
  }

  /** A key of ours for checking what comes back to us, or undefined where it is not ours or not good for that use. */
  verifyKey(keyId: string, use: KeyUse): KeyObject | undefined {
    const current = this.#current.get(keyId)
    const old = this.#old.get(keyId)
    if (current !== undefined || old === undefined || use.kind === 'request') return current
    return use.at === undefined || use.at <= old.expiredTs ? old.key : undefined
  }

  #sign(validUntilTs: number): JsonObject {
    const { serverName, signingKeys, oldKeys } = this.#options
    const keys: JsonObject = {
      server_name: serverName,
      valid_until_ts: validUntilTs,
      verify_keys: Object.fromEntries(signingKeys.map(({ keyId, publicKey }) => [keyId, { key: publicKey }])),
      old_verify_keys: Object.fromEntries(
        oldKeys.map(({ keyId, publicKey, expiredTs }) => [keyId, { key: publicKey, expired_ts: expiredTs }]),
      ),
    }
    return signingKeys.reduce((signed, key) => signJson(signed, serverName, key), keys)
  }
}

function keyObject(keyId: string, publicKey: string): KeyObject {
  const key = verifyKeyFrom(publicKey)
  if (key === undefined) throw new Error(`${keyId} is not an Ed25519 public key`)
  return key
}
