import { requestOpenIdToken } from '../../../schemas/client/openid.ts'
import type { ServerName } from '../../../schemas/ids.ts'
import { type Route, route } from '../../http/route.ts'
import { OPENID_LASTS_MS, type OpenId } from '../../users/openid.ts'
import { assertOwn } from '../own-user.ts'

export const openIdRoutes = ({ openId, serverName }: { openId: OpenId; serverName: ServerName }): Route[] => [
  route(requestOpenIdToken, async ({ requester, params }) => {
    assertOwn(requester, params.userId)
    return {
      access_token: await openId.issue(requester),
      token_type: 'Bearer',
      matrix_server_name: serverName,
      expires_in: OPENID_LASTS_MS / 1000,
    }
  }),
]
