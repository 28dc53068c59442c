import { type Json, type JsonObject, isJsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden, MatrixError, missingParam, threepidAuthFailed, threepidInUse, unauthorised } from '../core/errors.ts'
import { parseJson } from '../core/json-text.ts'
import type { Outbound } from '../http/outbound.ts'
import type { RegistrationToken, RegistrationTokens } from '../storage/registration-tokens.ts'
import type { Address, ThirdPartyId, ThirdPartyIds } from '../storage/third-party-ids.ts'
import type { EmailValidation } from './email-validation.ts'
import { identifierOf, type Passwords } from './password.ts'
import type { Stage, StageVerdict } from './uia.ts'

const refuse = (reason: ReturnType<typeof forbidden>): StageVerdict => ({ passed: false, reason })

/** https://spec.matrix.org/v1.19/client-server-api/#dummy-auth */
export const dummyStage: Stage = {
  check: async () => ({ passed: true, result: true }),
}

/** https://spec.matrix.org/v1.19/client-server-api/#password-based */
export function passwordStage(passwords: Passwords): Stage {
  return {
    check: async (auth, { userId }) => {
      const password = stringAt(auth, 'password')
      if (password === undefined) return refuse(missingParam('The password is missing'))
      const account = await passwords.identify(identifierOf(auth))
      if (account?.userId !== userId) throw forbidden('Only the owner of the account can agree to this')
      return (await passwords.isRight(account, password))
        ? { passed: true, result: true }
        : refuse(forbidden('The password is wrong'))
    },
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration */
export function registrationTokenStage(tokens: RegistrationTokens, clock: Clock): Stage {
  return {
    check: async (auth) => {
      const text = stringAt(auth, 'token')
      const token = text === undefined ? undefined : await tokens.get(text)
      if (!token || !isGood(token, clock.now())) return refuse(unauthorised('The registration token is not valid'))
      return { passed: true, result: token.token }
    },
  }
}

export const EMAIL_STAGE = 'm.login.email.identity'

/** https://spec.matrix.org/v1.19/client-server-api/#email-based-identity--homeserver */
export function emailStage(validation: EmailValidation, thirdPartyIds: ThirdPartyIds): Stage {
  return {
    check: async (auth, { proofFor }) => {
      const credentials = objectAt(auth, 'threepid_creds') ?? objectAt(auth, 'threepidCreds') ?? {}
      const sid = stringAt(credentials, 'sid')
      const secret = stringAt(credentials, 'client_secret')
      if (sid === undefined || secret === undefined) return refuse(missingParam('threepid_creds is missing'))
      if (proofFor === undefined) return refuse(threepidAuthFailed('An e-mail address is no proof for this'))
      const proof = await orRefusal(validation.proven(proofFor, sid, secret))
      if (proof instanceof MatrixError) return refuse(proof)
      if (proofFor === 'register' && (await thirdPartyIds.owner(proof))) return refuse(threepidInUse())
      const { address, validatedTs } = proof
      return { passed: true, result: { sid, address, validated_ts: validatedTs } }
    },
  }
}

/** What the e-mail stage has found out. */
export function provenEmail(
  completed: Readonly<Record<string, Json>>,
): (Address & { sid: string; validatedTs: number }) | undefined {
  const result = completed[EMAIL_STAGE]
  if (!isJsonObject(result)) return undefined
  const { sid, address, validated_ts: validatedTs } = result
  if (typeof sid !== 'string' || typeof address !== 'string' || typeof validatedTs !== 'number') return undefined
  return { medium: 'email', address, sid, validatedTs }
}

function orRefusal(proof: Promise<ThirdPartyId>): Promise<ThirdPartyId | MatrixError> {
  return proof.catch((cause: unknown) => {
    if (cause instanceof MatrixError) return cause
    throw cause
  })
}

export interface Recaptcha {
  readonly siteverifyUrl: string
  readonly publicKey: string
  readonly privateKey: string
}

/** https://spec.matrix.org/v1.19/client-server-api/#google-recaptcha */
export function recaptchaStage(outbound: Pick<Outbound, 'request'>, { siteverifyUrl, publicKey, privateKey }: Recaptcha): Stage {
  return {
    params: { public_key: publicKey },
    check: async (auth) => {
      const response = stringAt(auth, 'response')
      if (response === undefined) return refuse(missingParam('The response of the reCAPTCHA is missing'))
      const answer = await outbound.request({
        method: 'POST',
        url: siteverifyUrl,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ secret: privateKey, response }).toString(),
        maxBytes: 64 * 1024,
        timeoutMs: 20_000,
      })
      const verdict = parseJson(answer.body.toString('utf8')) as Json
      const passed = isJsonObject(verdict) && verdict['success'] === true
      return passed ? { passed, result: true } : refuse(unauthorised('The reCAPTCHA was not solved'))
    },
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#terms-of-service-at-registration */
export function termsStage(params: JsonObject): Stage {
  return { params, check: async () => ({ passed: true, result: true }) }
}

/** Login through another service, which only a page can do: what it finds out is who logged in there. */
export const ssoStage: Stage = {
  check: async () => refuse(forbidden('Log in on the page of this stage first')),
  fits: (result, { userId }) => result === userId,
}

/** True for a token that still lets somebody register. */
export function isGood({ usesAllowed, uses, expiresTs }: RegistrationToken, now: number): boolean {
  return (usesAllowed === null || uses < usesAllowed) && (expiresTs === null || now < expiresTs)
}
