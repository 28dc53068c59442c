import { changePassword } from '../../../schemas/client/password-management.ts'
import { type Route, route } from '../../http/route.ts'
import type { PasswordManagement } from '../../users/password-management.ts'

export const passwordManagementRoutes = (services: { passwordManagement: PasswordManagement }): Route[] => [
  route(changePassword, async ({ requester, body }) => {
    await (requester ? services.passwordManagement.change(requester, body) : services.passwordManagement.reset(body))
    return {}
  }),
]
