/** https://spec.matrix.org/v1.19/client-server-api/#sso-client-login-authentication */
import { casTicket } from '../../../schemas/causeway.ts'
import { redirectToIdP, redirectToSSO } from '../../../schemas/client/sso-login-redirect.ts'
import { missingParam, notFound } from '../../core/errors.ts'
import { redirect } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import { CAS, type Cas } from '../../users/cas.ts'
import { continuePage, stageDone } from './pages.ts'

export const ssoLoginRedirectRoutes = ({ cas }: { readonly cas: Cas | undefined }): Route[] => [
  route(redirectToSSO, async ({ query }) => redirect(offered(cas).loginUrl(query.redirectUrl))),
  route(redirectToIdP, async ({ params, query }) => {
    if (params.idpId !== CAS) throw notFound('There is no such way to log in')
    return redirect(offered(cas).loginUrl(query.redirectUrl))
  }),
  route(casTicket, async ({ query: { ticket, redirectUrl, session } }) => {
    if (session !== undefined) {
      await offered(cas).prove(ticket, session)
      return stageDone()
    }
    if (redirectUrl === undefined) throw missingParam('redirectUrl is missing')
    const { userId, url } = await offered(cas).logIn(ticket, redirectUrl)
    return continuePage(userId, url)
  }),
]

function offered(cas: Cas | undefined): Cas {
  if (!cas) throw notFound('Nobody can log in through another service here')
  return cas
}
