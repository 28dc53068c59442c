import { deactivateAccount } from '../../../schemas/client/account-deactivation.ts'
import { missingToken } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { AccountDeactivation } from '../../users/deactivate-account.ts'

export const accountDeactivationRoutes = (services: { deactivation: AccountDeactivation }): Route[] => [
  route(deactivateAccount, async ({ requester, body }) => {
    if (!requester) throw missingToken()
    return { id_server_unbind_result: await services.deactivation.deactivate(requester, body) }
  }),
]
