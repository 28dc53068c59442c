import { exchangeOpenIdToken } from '../../../schemas/server/openid.ts'
import { type Route, route } from '../../http/route.ts'
import type { OpenId } from '../../users/openid.ts'

export interface OpenIdServices {
  readonly openId: Pick<OpenId, 'ownerOf'>
}

export const openIdRoutes = ({ openId }: OpenIdServices): Route[] => [
  route(exchangeOpenIdToken, async ({ query }) => ({ sub: await openId.ownerOf(query.access_token) })),
]
