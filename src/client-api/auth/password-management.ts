import { changePassword } from '../../../schemas/client/password-management.ts'
import { missingToken } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { PasswordManagement } from '../../users/password-management.ts'

export const passwordManagementRoutes = (services: { passwordManagement: PasswordManagement }): Route[] => [
  route(changePassword, async ({ requester, body }) => {
    if (!requester) throw missingToken()
    await services.passwordManagement.change(requester, body)
    return {}
  }),
]
