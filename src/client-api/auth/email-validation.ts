/** Proofs that somebody reads the mail of an address: what clients ask for, and the pages behind the links. */
import { showValidation, submitValidation } from '../../../schemas/causeway.ts'
import { requestTokenTo3PIDEmail, requestTokenTo3PIDMSISDN } from '../../../schemas/client/administrative-contact.ts'
import {
  requestTokenToResetPasswordEmail,
  requestTokenToResetPasswordMSISDN,
} from '../../../schemas/client/password-management.ts'
import { requestTokenToRegisterEmail, requestTokenToRegisterMSISDN } from '../../../schemas/client/registration.ts'
import { threepidMediumNotSupported } from '../../core/errors.ts'
import { type RawResponse, redirect } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { Validation } from '../../storage/validations.ts'
import { type EmailValidation, VALIDATION_PATH } from '../../users/email-validation.ts'
import { confirmPage, note } from './pages.ts'

interface Services {
  readonly emailValidation: EmailValidation
}

export const emailValidationRoutes = ({ emailValidation }: Services): Route[] => [
  route(requestTokenToRegisterEmail, ({ body }) => emailValidation.request('register', body)),
  route(requestTokenToResetPasswordEmail, ({ body }) => emailValidation.request('password', body)),
  route(requestTokenTo3PIDEmail, ({ body }) => emailValidation.request('add', body)),
  route(requestTokenToRegisterMSISDN, noTextMessages),
  route(requestTokenToResetPasswordMSISDN, noTextMessages),
  route(requestTokenTo3PIDMSISDN, noTextMessages),
  route(showValidation, async ({ query: { sid, token } }) => {
    const validation = await emailValidation.find(sid, token)
    if (!validation) return outOfDate()
    // Mail filters open links by themselves: that must not give anybody a new password.
    if (validation.purpose === 'password' && validation.validatedTs === null) return askFor(sid, token)
    return confirmed(emailValidation, validation)
  }),
  route(submitValidation, async ({ query: { sid, token } }) => {
    const validation = await emailValidation.find(sid, token)
    return validation ? confirmed(emailValidation, validation) : outOfDate()
  }),
]

async function noTextMessages(): Promise<never> {
  throw threepidMediumNotSupported('This server sends no text messages')
}

async function confirmed(emailValidation: EmailValidation, validation: Validation): Promise<RawResponse> {
  if (validation.validatedTs === null) await emailValidation.confirm(validation)
  if (validation.nextLink !== null) return redirect(validation.nextLink)
  return note(200, 'Thank you', 'Your address is confirmed. You can close this page and go back to your client.')
}

const askFor = (sid: string, token: string): RawResponse =>
  confirmPage(
    'A new password?',
    'If you have asked for a new password, confirm it here. If not, close this page, and your password stays as it is.',
    `${VALIDATION_PATH}?${new URLSearchParams({ sid, token })}`,
    'Confirm',
  )

const outOfDate = (): RawResponse =>
  note(
    404,
    'This link does not work',
    'It is out of date, or a newer mail has replaced it. Go back to your client and start again.',
  )
