import { stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden, missingParam, unauthorised } from '../core/errors.ts'
import type { RegistrationToken, RegistrationTokens } from '../storage/registration-tokens.ts'
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

/** True for a token that still lets somebody register. */
export function isGood({ usesAllowed, uses, expiresTs }: RegistrationToken, now: number): boolean {
  return (usesAllowed === null || uses < usesAllowed) && (expiresTs === null || now < expiresTs)
}
