/** https://spec.matrix.org/v1.19/client-server-api/#login-fallback */
import { loginFallback } from '../../../schemas/causeway.ts'
import type { ServerName } from '../../../schemas/ids.ts'
import { type Route, route } from '../../http/route.ts'
import type { Login } from '../../users/login.ts'
import type { SingleSignOn } from '../../users/sso.ts'
import { loginPage } from './login-page.ts'

interface Services {
  readonly login: Login
  readonly sso: SingleSignOn
  readonly serverName: ServerName
  readonly publicBaseUrl: string
}

export const loginFallbackRoutes = ({ login, sso, serverName, publicBaseUrl }: Services): Route[] => [
  route(loginFallback, async ({ query: { loginToken, ...given } }) => {
    // Non-credential parameters can be provided as query string parameters: these are to be forwarded to the login endpoint.
    const { device_id, initial_device_display_name, refresh_token } = given
    const forwarded = { device_id, initial_device_display_name, refresh_token }
    const here = new URL(loginFallback.path, publicBaseUrl)
    for (const [name, value] of Object.entries(forwarded)) if (value !== undefined) here.searchParams.set(name, String(value))
    return loginPage({
      serverName,
      forwarded,
      token: loginToken,
      takesPasswords: login.flows.some(({ type }) => type === 'm.login.password'),
      providers: sso.providers,
      comeBackTo: here.href,
    })
  }),
]
