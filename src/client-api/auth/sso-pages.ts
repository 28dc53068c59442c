/** The pages of logging in through another service. */
import { type Markup, markup, page } from '../../core/markup.ts'
import type { RawResponse } from '../../http/reply.ts'
import type { IdentityProvider, SsoFailure } from '../../users/sso.ts'
import { answer, note } from './pages.ts'

const SSO_PATH = '/_matrix/client/v3/login/sso/redirect'

/** Which of several services to log in through. */
export function providersPage(serverName: string, providers: readonly IdentityProvider[], redirectUrl: string): RawResponse {
  const body = markup`<h1>Log in to ${serverName}</h1>
<p>You are logging in at <b>${placeOf(redirectUrl)}</b>. Log in with:</p>${ssoLinks(providers, redirectUrl)}`
  return answer(200, page('Log in', body))
}

/** Where to log in through each of some services. @param redirectUrl where the login ends */
export function ssoLinks(providers: readonly IdentityProvider[], redirectUrl: string): Markup {
  const query = new URLSearchParams({ redirectUrl })
  return buttons(providers, (id) => `${SSO_PATH}/${encodeURIComponent(id)}?${query}`)
}

/** Where a user goes to log in once more for a stage. */
export function ssoStagePage(providers: readonly IdentityProvider[], session: string): RawResponse {
  const query = new URLSearchParams({ session })
  const links = buttons(providers, (id) => `/_causeway/sso/prove/${encodeURIComponent(id)}?${query}`)
  const body = markup`<h1>Is it you?</h1>
<p>Your client is about to do something that only you may do. Log in once more to agree. If it was not you who started this, close this page.</p>${links}`
  return answer(200, page('Is it you?', body))
}

/** After a login elsewhere: only the user's own click hands the login over to the client. */
export function continuePage(userId: string, url: string): RawResponse {
  const body = markup`<h1>Continue as ${userId}?</h1>
<p>This logs you in at <b>${placeOf(url)}</b>, which then can read and write messages for you. If you have not just asked for that there, close this page.</p>
<p><a href="${url}" class="button">Continue</a></p>`
  return answer(200, page('Continue?', body))
}

/** For whom the identity provider gives no name that is free. */
export function usernamePage(
  serverName: string,
  { key, provider, name, mistake }: { key: string; provider: string; name: string; mistake?: string },
): RawResponse {
  const wrong = mistake === undefined ? undefined : markup`<p class="bad" role="alert">${mistake}</p>`
  const body = markup`<h1>Choose your user name</h1>
<p>You have logged in with ${provider} for the first time. Under this name others will find you on <b>${serverName}</b>; it cannot be changed later.</p>${wrong}
<form method="post" action="/_causeway/sso/username?${new URLSearchParams({ key }).toString()}">
<label for="username">User name</label>
<input id="username" name="username" value="${name}" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="255">
<p class="faint">Small letters, digits, and . _ - = / +</p>
<button>Create account</button></form>`
  return answer(mistake === undefined ? 200 : 400, page('Choose your user name', body))
}

const FAILURES: Readonly<Record<SsoFailure, readonly [status: number, title: string, text: string]>> = {
  unreachable: [
    502,
    'Not now',
    'The service through which you log in does not answer. Try again later; if it stays so, tell whoever runs this server.',
  ],
  'out-of-date': [
    400,
    'This page is out of date',
    'Go back to your client and log in again, in this browser: cookies must be allowed.',
  ],
  'not-logged-in': [403, 'You have not logged in', 'The login was cancelled. Go back to your client to try again.'],
  'not-proven': [
    403,
    'That did not work',
    'The answer of the service through which you log in could not be checked. Go back to your client and try again; if it stays so, tell whoever runs this server.',
  ],
  'no-account': [
    403,
    'You have no account here',
    'You have logged in, but nobody has made an account for you on this server. Ask whoever runs it.',
  ],
  closed: [
    403,
    'This account is closed',
    'You have logged in, but your account on this server is locked or deactivated. Ask whoever runs it.',
  ],
}

export function ssoFailure(why: SsoFailure): RawResponse {
  return note(...FAILURES[why])
}

function buttons(providers: readonly IdentityProvider[], address: (id: string) => string): Markup {
  const items = providers.map(({ id, name }) => markup`<li><a href="${address(id)}" class="button">${name}</a></li>`)
  return markup`<ul class="choice">${items}</ul>`
}

/** What a user knows a client by: its host, or the scheme of an app. */
function placeOf(url: string): string {
  const { host, protocol } = new URL(url)
  return host === '' ? protocol : host
}
