import { hash, type Options, verify } from '@node-rs/argon2'

/** Memory in KiB and passes of Argon2id (the package's default algorithm). */
const COSTS = {
  /** For tests only. */
  minimal: { memoryCost: 8, timeCost: 1 },
  standard: { memoryCost: 19_456, timeCost: 2 },
  high: { memoryCost: 65_536, timeCost: 3 },
} as const satisfies Record<string, Options>

export type HashCost = keyof typeof COSTS

/** Hashes passwords with Argon2id, off the event loop. */
export class PasswordHasher {
  readonly #options: Options
  readonly #decoy: Promise<string>

  constructor(cost: HashCost) {
    this.#options = COSTS[cost]
    this.#decoy = hash('', this.#options)
  }

  /** A PHC string. */
  hash(password: string): Promise<string> {
    return hash(password, this.#options)
  }

  /** Takes as long where there is no hash to check against: time must not tell which users exist. */
  async matches(password: string, expected: string | null): Promise<boolean> {
    const matches = await verify(expected ?? (await this.#decoy), password)
    return matches && expected !== null
  }
}
