/** Proofs that somebody reads the mail of an address: a link is sent there, and followed. */
import type { Clock } from '../core/clock.ts'
import { invalidParam, threepidAuthFailed, threepidDenied, threepidInUse, threepidNotFound } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { randomToken } from '../core/random.ts'
import { sameSecret } from '../core/same-secret.ts'
import type { SendMail } from '../http/smtp.ts'
import type { Database } from '../storage/database.ts'
import type { ThirdPartyId, ThirdPartyIds } from '../storage/third-party-ids.ts'
import type { Purpose, Validation, Validations } from '../storage/validations.ts'
import { usableEmail } from './email-address.ts'
import { linkMail } from './mail-text.ts'
import { hashToken } from './tokens.ts'

const LIFETIME_MS = 60 * 60_000
const CLIENT_SECRET = /^[0-9a-zA-Z.=_-]{1,255}$/

/** Where the link in the mail leads. */
export const VALIDATION_PATH = '/_causeway/email/validate'

/** How mail leaves the server. */
export interface Mailing {
  readonly send: SendMail
  readonly from: string
}

/** What a client asks for. */
export interface TokenRequest {
  readonly email: string
  readonly client_secret: string
  readonly send_attempt: number
  readonly next_link?: string
}

interface Deps {
  readonly db: Database
  readonly validations: Validations
  readonly thirdPartyIds: ThirdPartyIds
  readonly clock: Clock
  readonly serverName: string
  readonly baseUrl: string
  /** Undefined where the server has no way to send mail. */
  readonly mailing: Mailing | undefined
}

export class EmailValidation {
  readonly #deps: Deps
  /** By address: of two requests at once only one sends a mail. */
  readonly #queue = new KeyedQueue<string>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Sends the link, unless it has been sent for this attempt; gives the id of the session.
   * Throws M_THREEPID_IN_USE, M_THREEPID_NOT_FOUND, M_THREEPID_DENIED without a mail server, M_INVALID_PARAM.
   */
  async request(purpose: Purpose, request: TokenRequest): Promise<{ sid: string }> {
    if (!this.#deps.mailing) throw threepidDenied('This server does not send mail')
    const { client_secret: clientSecret, next_link: nextLink } = request
    if (!CLIENT_SECRET.test(clientSecret)) throw invalidParam('client_secret may hold a-z, A-Z, 0-9 and . = _ - only')
    if (nextLink !== undefined && !isWebPage(nextLink)) throw invalidParam('next_link is not the address of a web page')
    const address = usableEmail(request.email)
    return this.#queue.run(address, () => this.#begin(purpose, address, request))
  }

  /** What a link asks to confirm; undefined where it is not the newest one or too old. */
  async find(sid: string, token: string): Promise<Validation | undefined> {
    const validation = await this.#deps.validations.get(sid, this.#deps.clock.now())
    return validation && sameSecret(hashToken(token), validation.tokenHash) ? validation : undefined
  }

  /** The reader of the mail has agreed. */
  async confirm({ sid }: Validation): Promise<void> {
    const { db, validations, clock } = this.#deps
    await db.write((batch) => validations.pass(batch, sid, clock.now()))
  }

  /** The address that a session has proven, for the client that has asked. Throws M_THREEPID_AUTH_FAILED. */
  async proven(purpose: Purpose, sid: string, clientSecret: string): Promise<ThirdPartyId> {
    const now = this.#deps.clock.now()
    const validation = await this.#deps.validations.get(sid, now)
    if (validation?.purpose !== purpose || !sameSecret(validation.clientSecret, clientSecret)) {
      throw threepidAuthFailed('There is no such session')
    }
    if (validation.validatedTs === null) throw threepidAuthFailed('The link in the mail has not been opened yet')
    return { medium: 'email', address: validation.address, validatedTs: validation.validatedTs, addedTs: now }
  }

  async #begin(purpose: Purpose, address: string, request: TokenRequest): Promise<{ sid: string }> {
    const { db, validations, clock } = this.#deps
    await this.#assertFitting(purpose, address)
    const now = clock.now()
    const earlier = await validations.ofRequest(purpose, address, request.client_secret, now)
    // The server will only send an email if send_attempt is a number greater than the most recent one which it has seen.
    if (earlier && request.send_attempt <= earlier.sendAttempt) return { sid: earlier.sid }
    const token = randomToken()
    const validation: Validation = {
      sid: earlier?.sid ?? randomToken(16),
      purpose,
      address,
      clientSecret: request.client_secret,
      tokenHash: hashToken(token),
      sendAttempt: request.send_attempt,
      nextLink: request.next_link ?? null,
      validatedTs: null,
    }
    await this.#mail(validation, token)
    await db.write((batch) => {
      validations.removeExpired(batch, now)
      validations.save(batch, validation, now + LIFETIME_MS)
    })
    return { sid: validation.sid }
  }

  async #assertFitting(purpose: Purpose, address: string): Promise<void> {
    const owner = await this.#deps.thirdPartyIds.owner({ medium: 'email', address })
    if (purpose === 'password' && !owner) throw threepidNotFound()
    if (purpose !== 'password' && owner) throw threepidInUse()
  }

  async #mail({ purpose, address, sid }: Validation, token: string): Promise<void> {
    const { mailing, serverName, baseUrl, clock } = this.#deps
    if (!mailing) return
    const link = `${baseUrl}${VALIDATION_PATH}?${new URLSearchParams({ sid, token })}`
    const { from, send } = mailing
    await send({ ...linkMail(purpose, serverName, link), from, to: address, date: new Date(clock.now()) })
  }
}

function isWebPage(link: string): boolean {
  const protocol = URL.parse(link)?.protocol
  return protocol === 'https:' || protocol === 'http:'
}
