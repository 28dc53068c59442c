/** https://spec.matrix.org/v1.19/client-server-api/#sso-client-loginauthentication */
import { text } from 'node:stream/consumers'
import { casTicket, ssoCallback, ssoProve, ssoUsername } from '../../../schemas/causeway.ts'
import { redirectToIdP, redirectToSSO } from '../../../schemas/client/sso-login-redirect.ts'
import type { ServerName } from '../../../schemas/ids.ts'
import { missingParam, notFound } from '../../core/errors.ts'
import { RawResponse, redirect } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { SsoPurpose } from '../../storage/sso-sessions.ts'
import type { Cas } from '../../users/cas.ts'
import type { Oidc, SsoEnd } from '../../users/oidc.ts'
import { assertClient, type LoggedIn, type SingleSignOn } from '../../users/sso.ts'
import { browserCookie, browserOf } from './browser-cookie.ts'
import { note, stageDone } from './pages.ts'
import { continuePage, providersPage, ssoFailure, ssoStagePage, usernamePage } from './sso-pages.ts'

interface Services {
  readonly sso: SingleSignOn
  readonly cas: Cas | undefined
  readonly oidc: Oidc
  readonly serverName: ServerName
  readonly publicBaseUrl: string
}

export const ssoLoginRedirectRoutes = (services: Services): Route[] => {
  const { sso, cas, oidc, serverName, publicBaseUrl } = services
  return [
    route(redirectToSSO, async (request) => {
      const { redirectUrl } = request.query
      const [first, second] = sso.providers
      if (!first) throw notFound('Nobody can log in through another service here')
      if (!second) return sendTo(services, first.id, { redirectUrl }, browserOf(request, publicBaseUrl))
      assertClient(redirectUrl)
      return providersPage(serverName, sso.providers, redirectUrl)
    }),
    route(redirectToIdP, async (request) => {
      const { redirectUrl } = request.query
      return sendTo(services, request.params.idpId, { redirectUrl }, browserOf(request, publicBaseUrl))
    }),
    route(ssoProve, async (request) => {
      const uiaSession = request.query.session
      // Another site has led the browser here: what its user agrees to, they have to read first.
      if ((request.header('sec-fetch-site') ?? 'same-origin') !== 'same-origin') return ssoStagePage(sso.providers, uiaSession)
      return sendTo(services, request.params.idpId, { uiaSession }, browserOf(request, publicBaseUrl))
    }),
    route(casTicket, async (request) => {
      const { ticket, redirectUrl, session } = request.query
      if (!cas) throw notFound('Nobody can log in through CAS here')
      if (session !== undefined)
        return pageAfter(sso, serverName, await cas.prove(ticket, session, browserOf(request, publicBaseUrl)))
      if (redirectUrl === undefined) throw missingParam('redirectUrl is missing')
      return pageAfter(sso, serverName, await cas.logIn(ticket, redirectUrl))
    }),
    route(ssoCallback, async (request) => {
      const answer = new URLSearchParams(request.query)
      return pageAfter(sso, serverName, await oidc.finish(request.params.idpId, answer, browserOf(request, publicBaseUrl)))
    }),
    route(ssoUsername, async (request) => {
      const form = new URLSearchParams(await text(request.stream()))
      const browser = browserOf(request, publicBaseUrl)
      const end = await oidc.chooseName(request.query.key, form.get('username') ?? '', browser)
      // Browsers follow no redirect from a form of ours to another site, so every client gets the page.
      return end.kind === 'logged-in' ? continuePage(end.userId, end.url) : pageOf(serverName, end)
    }),
  ]
}

/** Sends the browser to where its user logs in. */
async function sendTo(
  { sso, publicBaseUrl }: Services,
  providerId: string,
  purpose: SsoPurpose,
  browser: string | undefined,
): Promise<RawResponse> {
  const way = sso.way(providerId)
  if (!way)
    return note(404, 'Not here', 'There is no such way to log in on this server. Go back to your client and choose another.')
  const start = await way.begin(purpose, browser)
  if (start.kind === 'refused') return ssoFailure(start.why)
  const cookie = start.browser === undefined ? {} : browserCookie(start.browser, publicBaseUrl)
  return new RawResponse(302, { Location: start.url, ...cookie })
}

function pageAfter(sso: SingleSignOn, serverName: ServerName, end: SsoEnd): RawResponse {
  return end.kind === 'logged-in' ? toClient(sso, end) : pageOf(serverName, end)
}

/** A client that nobody knows gets the login by the user's own click only. */
function toClient(sso: SingleSignOn, { userId, url }: LoggedIn): RawResponse {
  // As a header may hold it: clients' addresses may have any characters.
  return sso.isKnownClient(url) ? redirect(new URL(url).href) : continuePage(userId, url)
}

function pageOf(serverName: ServerName, end: Exclude<SsoEnd, { kind: 'logged-in' }>): RawResponse {
  if (end.kind === 'nameless') return usernamePage(serverName, end)
  return end.kind === 'proven' ? stageDone() : ssoFailure(end.why)
}
