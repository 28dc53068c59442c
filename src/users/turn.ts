/** https://spec.matrix.org/v1.19/client-server-api/#voice-over-ip */
import { createHmac } from 'node:crypto'
import type { UserId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'

export interface TurnSettings {
  readonly uris: readonly string[]
  readonly sharedSecret: string
  readonly lifetimeMs: number
}

/** With what a user is let in by the TURN servers. */
export interface TurnCredentials {
  readonly username: string
  readonly password: string
  readonly uris: string[]
  /** How long they are good, in seconds. */
  readonly ttl: number
}

/** Makes up credentials that TURN servers check by the secret that they share with us, until they expire: coturn's `use-auth-secret`. */
export class TurnServers {
  readonly #clock: Clock
  readonly #settings: TurnSettings | undefined

  constructor(clock: Clock, settings: TurnSettings | undefined) {
    this.#clock = clock
    this.#settings = settings
  }

  /** Credentials for a user; undefined where there are no TURN servers. */
  credentialsFor(userId: UserId): TurnCredentials | undefined {
    if (!this.#settings) return undefined
    const { uris, sharedSecret, lifetimeMs } = this.#settings
    const ttl = Math.floor(lifetimeMs / 1000)
    const username = `${Math.floor(this.#clock.now() / 1000) + ttl}:${userId}`
    const password = createHmac('sha1', sharedSecret).update(username).digest('base64')
    return { username, password, uris: [...uris], ttl }
  }
}
