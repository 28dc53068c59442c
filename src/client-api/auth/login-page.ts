/** The page that logs in for a client. It is the client's script that takes what comes of it, so this page needs one too. */
import { type Markup, markup, page } from '../../core/markup.ts'
import type { RawResponse } from '../../http/reply.ts'
import type { IdentityProvider } from '../../users/sso.ts'
import { answer, note, script } from './pages.ts'
import { ssoLinks } from './sso-pages.ts'

export interface LoginChoices {
  readonly serverName: string
  /** What goes into the request as it is. */
  readonly forwarded: Readonly<Record<string, string | boolean | undefined>>
  /** Of single sign-on, which the user comes back from. */
  readonly token: string | undefined
  readonly takesPasswords: boolean
  readonly providers: readonly IdentityProvider[]
  /** The address of this page. */
  readonly comeBackTo: string
}

/** Clients put their hook in while the page is there, so the login must not lead to another one. */
const LOG_IN = `
window.matrixLogin = window.matrixLogin || {}
const form = document.querySelector('form')
const mistake = form.querySelector('[role=alert]')
const button = form.querySelector('button')

async function logIn() {
  const request = JSON.parse(form.dataset.request)
  const { user, password } = form.elements
  if (user) request.identifier = { type: 'm.id.user', user: user.value.trim() }
  if (password) request.password = password.value
  const response = await fetch('/_matrix/client/v3/login', { method: 'POST', body: JSON.stringify(request) })
  const answer = await response.json()
  if (!response.ok) return void (mistake.textContent = answer.error)
  document.querySelector('h1').textContent = 'You are logged in'
  document.querySelector('#ways').textContent = 'You can close this page and go back to your client.'
  if (window.matrixLogin.onLogin) window.matrixLogin.onLogin(answer)
  else if (window.onLogin) window.onLogin(answer)
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  button.disabled = true
  mistake.textContent = ''
  try {
    await logIn()
  } catch (error) {
    mistake.textContent = 'The server does not answer. Try again.'
    console.error(error)
  }
  button.disabled = false
})
`

export function loginPage(choices: LoginChoices): RawResponse {
  const { serverName, token, takesPasswords, providers, comeBackTo } = choices
  if (token !== undefined) return formPage(choices, { type: 'm.login.token', token }, markup`<button autofocus>Continue</button>`)
  const links = providers.length > 0 ? ssoLinks(providers, comeBackTo) : undefined
  if (takesPasswords) return formPage(choices, { type: 'm.login.password' }, PASSWORD_FIELDS, links)
  if (!links) return note(404, 'Not here', 'Nobody can log in to this server on a page. Use a client that knows how to.')
  return answer(200, page('Log in', markup`${heading(serverName)}${links}`))
}

const PASSWORD_FIELDS = markup`<label for="user">User name</label>
<input id="user" name="user" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="current-password">
<button>Log in</button>`

function formPage({ serverName, forwarded }: LoginChoices, request: object, fields: Markup, links?: Markup): RawResponse {
  const { element, policy } = script(LOG_IN)
  // Without scripts, what is sent goes nowhere, but not into an address either.
  const form = markup`<form method="post" data-request="${JSON.stringify({ ...forwarded, ...request })}">
<p class="bad" role="alert"></p>${fields}</form><noscript><p class="bad">This page needs JavaScript.</p></noscript>`
  const others = links && markup`<h2>Or log in with</h2>${links}`
  return answer(
    200,
    page('Log in', markup`${heading(serverName)}<div id="ways">${form}${others}</div>${element}`),
    `${policy}; connect-src 'self'`,
  )
}

const heading = (serverName: string): Markup => markup`<h1>Log in to ${serverName}</h1>`
