/** Pages on which stages of user-interactive authentication can be passed. https://spec.matrix.org/v1.19/client-server-api/#fallback */
import { text } from 'node:stream/consumers'
import { showAuthFallback, submitAuthFallback } from '../../../schemas/causeway.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import type { RawResponse } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { SingleSignOn } from '../../users/sso.ts'
import type { UserInteractiveAuth } from '../../users/uia.ts'
import { note, stageDone, stageForm } from './pages.ts'
import { ssoStagePage } from './sso-pages.ts'

interface Services {
  readonly uia: UserInteractiveAuth
  readonly sso: SingleSignOn
}

export const authFallbackRoutes = ({ uia, sso }: Services): Route[] => [
  route(showAuthFallback, async ({ params: { type }, query: { session } }) => {
    const stage = await uia.stageOf(session, type)
    if (!stage) return unknownSession()
    if (stage.isPassed) return stageDone()
    if (type === 'm.login.sso') return ssoStagePage(sso.providers, session)
    return stageForm(type, addressOf(type, session), stage.params) ?? notOnPages()
  }),
  route(submitAuthFallback, async (request) => {
    const { type } = request.params
    const { session } = request.query
    const stage = await uia.stageOf(session, type)
    if (!stage) return unknownSession()
    if (!stageForm(type, '', stage.params)) return notOnPages()
    const refusal = await uia.tryOnPage(session, type, authOf(new URLSearchParams(await text(request.stream()))))
    if (refusal) return stageForm(type, addressOf(type, session), stage.params, refusal.message) ?? notOnPages()
    return stageDone()
  }),
]

const unknownSession = (): RawResponse =>
  note(404, 'This page is out of date', 'Go back to your client and start again: what you wanted to do has taken too long.')

const notOnPages = (): RawResponse => note(400, 'Not here', 'This step can only be done in your client.')

const addressOf = (type: string, session: string): string =>
  `/_matrix/client/v3/auth/${encodeURIComponent(type)}/fallback/web?session=${encodeURIComponent(session)}`

/** The form's fields, as a client would send them. */
function authOf(form: URLSearchParams): JsonObject {
  return { token: form.get('token') ?? '', response: form.get('g-recaptcha-response') ?? '' }
}
