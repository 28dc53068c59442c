import { generateLoginToken } from '../../../schemas/client/login-token.ts'
import { type Route, route } from '../../http/route.ts'
import { LOGIN_TOKEN_LASTS_MS, type LoginTokens } from '../../users/login-tokens.ts'

export const loginTokenRoutes = ({ loginTokens }: { readonly loginTokens: LoginTokens }): Route[] => [
  route(generateLoginToken, async ({ requester, body }) => ({
    login_token: await loginTokens.issueForOwner(requester, body),
    expires_in_ms: LOGIN_TOKEN_LASTS_MS,
  })),
]
