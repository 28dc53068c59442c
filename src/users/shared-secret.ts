import { createHmac } from 'node:crypto'
import type { BodyOf } from '../../schemas/endpoint.ts'
import type { registerWithSharedSecret } from '../../schemas/admin/register.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden, invalidParam, invalidUsername } from '../core/errors.ts'
import { randomToken } from '../core/random.ts'
import { sameSecret } from '../core/same-secret.ts'
import type { RegisterAnswer, Registration } from './register.ts'

const NONCE_LIFETIME_MS = 60_000
/** The oldest go first when somebody asks for more. */
const MAX_NONCES = 1_000

type Request = BodyOf<typeof registerWithSharedSecret>

/** Lets those register, as administrators if they like, who know a secret of the configuration. */
export class SharedSecretRegistration {
  readonly #registration: Registration
  readonly #clock: Clock
  readonly #secret: string | undefined
  /** When each ends, the oldest first. */
  readonly #nonces = new Map<string, number>()

  constructor({ registration, clock, secret }: { registration: Registration; clock: Clock; secret: string | undefined }) {
    this.#registration = registration
    this.#clock = clock
    this.#secret = secret
  }

  /** Good for one attempt within a minute. Throws M_FORBIDDEN where there is no secret. */
  newNonce(): string {
    this.#requireSecret()
    const nonce = randomToken()
    this.#nonces.set(nonce, this.#clock.now() + NONCE_LIFETIME_MS)
    for (const oldest of this.#nonces.keys()) {
      if (this.#nonces.size <= MAX_NONCES) break
      this.#nonces.delete(oldest)
    }
    return nonce
  }

  /** Makes the account and logs it in. Throws M_FORBIDDEN for a wrong `mac`, M_INVALID_PARAM for a nonce that is used up. */
  async register(request: Request): Promise<RegisterAnswer> {
    const { nonce, username, password, admin = false } = request
    const secret = this.#requireSecret()
    this.#spend(nonce)
    // Else one could move the boundaries between what the code covers.
    if (username.includes('\0')) throw invalidUsername()
    if (password.includes('\0')) throw invalidParam('The password has a zero character')
    if (!sameSecret(request.mac.toLowerCase(), codeOf(request, secret))) throw forbidden('The code does not fit the secret')
    return this.#registration.createAccount({
      localpart: username,
      password,
      admin,
      displayName: request.displayname,
      session: request.inhibit_login === true ? undefined : {},
    })
  }

  #requireSecret(): string {
    if (this.#secret === undefined) throw forbidden('Registration by a shared secret is not enabled')
    return this.#secret
  }

  #spend(nonce: string): void {
    const end = this.#nonces.get(nonce)
    this.#nonces.delete(nonce)
    if (end === undefined || end <= this.#clock.now()) throw invalidParam('The nonce is unknown or too old')
  }
}

function codeOf({ nonce, username, password, admin, user_type }: Request, secret: string): string {
  const parts = [nonce, username, password, admin === true ? 'admin' : 'notadmin']
  if (typeof user_type === 'string' && user_type !== '') parts.push(user_type)
  return createHmac('sha1', secret).update(parts.join('\0')).digest('hex')
}
