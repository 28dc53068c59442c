/** https://spec.matrix.org/v1.19/client-server-api/#login-fallback */
import { loginFallback, registrationFallback } from '../../../schemas/causeway.ts'
import type { ServerName } from '../../../schemas/ids.ts'
import { type Route, route } from '../../http/route.ts'
import type { Login } from '../../users/login.ts'
import type { Registration } from '../../users/register.ts'
import type { SingleSignOn } from '../../users/sso.ts'
import type { UserInteractiveAuth } from '../../users/uia.ts'
import { loginPage } from './login-page.ts'
import { registrationPage } from './registration-page.ts'

interface Services {
  readonly login: Login
  readonly registration: Registration
  readonly uia: UserInteractiveAuth
  readonly sso: SingleSignOn
  readonly serverName: ServerName
  readonly publicBaseUrl: string
}

export const clientFallbackRoutes = ({ login, registration, uia, sso, serverName, publicBaseUrl }: Services): Route[] => [
  route(loginFallback, async ({ query: { loginToken: token, ...given } }) => {
    const forwarded = forwardedOf(given)
    const here = new URL(loginFallback.path, publicBaseUrl)
    for (const [name, value] of Object.entries(forwarded)) if (value !== undefined) here.searchParams.set(name, String(value))
    const takesPasswords = login.flows.some(({ type }) => type === 'm.login.password')
    return loginPage({ serverName, forwarded, token, takesPasswords, providers: sso.providers, comeBackTo: here.href })
  }),
  route(registrationFallback, async ({ query }) =>
    registrationPage({ serverName, forwarded: forwardedOf(query), flows: registration.flows, uia }),
  ),
]

interface Forwarded {
  readonly device_id?: string
  readonly initial_device_display_name?: string
  readonly refresh_token?: boolean
}

/** Non-credential parameters can be provided as query string parameters: these are to be forwarded to the login endpoint. */
const forwardedOf = ({ device_id, initial_device_display_name, refresh_token }: Forwarded) => ({
  device_id,
  initial_device_display_name,
  refresh_token,
})
