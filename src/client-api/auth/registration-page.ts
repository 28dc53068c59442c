/** The page on which clients let users register; it is older than the specification, which has only that of logging in. */
import { type Markup, markup } from '../../core/markup.ts'
import type { RawResponse } from '../../http/reply.ts'
import type { Flows, UserInteractiveAuth } from '../../users/uia.ts'
import { clientPage } from './client-page.ts'
import { note, recaptcha, RECAPTCHA_POLICY, termsList, tokenField } from './pages.ts'

export interface RegistrationChoices {
  readonly serverName: string
  /** What goes into the request as it is. */
  readonly forwarded: object
  /** Undefined where registration is closed. */
  readonly flows: Flows | undefined
  /** Knows what has to be shown for a stage. */
  readonly uia: Pick<UserInteractiveAuth, 'paramsOf'>
}

const REGISTER = `
window.matrixRegistration = window.matrixRegistration || {}

async function send() {
  const { stages, ...wish } = request
  const { user, password, token } = form.elements
  Object.assign(wish, { username: user.value.trim(), password: password.value })
  let outcome = await post('/_matrix/client/v3/register', wish)
  for (const type of stages) {
    const { status, answer } = outcome
    if (status !== 401 || answer.errcode) break
    const auth = { type, session: answer.session }
    if (type === 'm.login.registration_token') auth.token = token.value.trim()
    if (type === 'm.login.recaptcha') auth.response = window.grecaptcha.getResponse()
    outcome = await post('/_matrix/client/v3/register', { ...wish, auth })
  }
  const { status, answer } = outcome
  if (status !== 200) {
    mistake.textContent = answer.error
    if (window.grecaptcha) window.grecaptcha.reset()
    return
  }
  done('Your account is there')
  const { onRegistered } = window.matrixRegistration
  if (onRegistered) onRegistered(answer.home_server, answer.user_id, answer.access_token, answer)
}
`

export function registrationPage({ serverName, forwarded, flows, uia }: RegistrationChoices): RawResponse {
  if (!flows) return note(403, 'Closed', `Nobody can register on ${serverName}. Ask whoever runs it for an account.`)
  const fieldsOf = fieldsByStage(uia)
  const stages = flows.find((flow) => flow.every((stage) => fieldsOf.has(stage)))
  if (!stages) return note(404, 'Not here', 'Nobody can register on this server on a page. Use a client that knows how to.')
  return clientPage({
    title: 'Register',
    heading: `Create an account on ${serverName}`,
    request: { ...forwarded, stages },
    fields: markup`${NAME_FIELDS}${stages.map((stage) => fieldsOf.get(stage) ?? NOTHING)}<button>Create account</button>`,
    code: REGISTER,
    policies: stages.includes('m.login.recaptcha') ? [RECAPTCHA_POLICY] : [],
  })
}

const NAME_FIELDS = markup`<label for="user">User name</label>
<input id="user" name="user" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="new-password">`

const NOTHING = markup``

/** The stages that can be passed on a page. */
const fieldsByStage = (uia: RegistrationChoices['uia']): ReadonlyMap<string, Markup> =>
  new Map([
    ['m.login.dummy', NOTHING],
    ['m.login.registration_token', tokenField('Registration token')],
    ['m.login.terms', markup`<p>By creating an account you accept:</p>${termsList(uia.paramsOf('m.login.terms'))}`],
    ['m.login.recaptcha', recaptcha(uia.paramsOf('m.login.recaptcha'))],
  ])
