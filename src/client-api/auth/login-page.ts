/** https://spec.matrix.org/v1.19/client-server-api/#login-fallback */
import { markup, page } from '../../core/markup.ts'
import type { RawResponse } from '../../http/reply.ts'
import type { IdentityProvider } from '../../users/sso.ts'
import { clientPage } from './client-page.ts'
import { answer, note } from './pages.ts'
import { ssoLinks } from './sso-pages.ts'

export interface LoginChoices {
  readonly serverName: string
  /** What goes into the request as it is. */
  readonly forwarded: object
  /** Of single sign-on, which the user comes back from. */
  readonly token: string | undefined
  readonly takesPasswords: boolean
  readonly providers: readonly IdentityProvider[]
  /** The address of this page. */
  readonly comeBackTo: string
}

const LOG_IN = `
window.matrixLogin = window.matrixLogin || {}

async function send() {
  const { user, password } = form.elements
  if (user) request.identifier = { type: 'm.id.user', user: user.value.trim() }
  if (password) request.password = password.value
  const { status, answer } = await post('/_matrix/client/v3/login', request)
  if (status !== 200) return void (mistake.textContent = answer.error)
  done('You are logged in')
  if (window.matrixLogin.onLogin) window.matrixLogin.onLogin(answer)
  else if (window.onLogin) window.onLogin(answer)
}
`

const PASSWORD_FIELDS = markup`<label for="user">User name</label>
<input id="user" name="user" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="current-password">
<button>Log in</button>`

export function loginPage({ serverName, forwarded, token, takesPasswords, providers, comeBackTo }: LoginChoices): RawResponse {
  const heading = `Log in to ${serverName}`
  const common = { title: 'Log in', heading, code: LOG_IN }
  if (token !== undefined) {
    const request = { ...forwarded, type: 'm.login.token', token }
    return clientPage({ ...common, request, fields: markup`<button autofocus>Continue</button>` })
  }
  const links = providers.length > 0 ? ssoLinks(providers, comeBackTo) : undefined
  if (takesPasswords) {
    const others = links && markup`<h2>Or log in with</h2>${links}`
    return clientPage({ ...common, request: { ...forwarded, type: 'm.login.password' }, fields: PASSWORD_FIELDS, others })
  }
  if (!links) return note(404, 'Not here', 'Nobody can log in to this server on a page. Use a client that knows how to.')
  return answer(200, page('Log in', markup`<h1>${heading}</h1>${links}`))
}
