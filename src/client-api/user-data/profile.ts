import { deleteProfileField, getProfileField, getUserProfile, setProfileField } from '../../../schemas/client/profile.ts'
import { type Route, route } from '../../http/route.ts'
import type { Profiles } from '../../users/profile.ts'

export const profileRoutes = (services: { profiles: Profiles }): Route[] => [
  route(getUserProfile, ({ params }) => services.profiles.get(params.userId)),
  route(getProfileField, ({ params }) => services.profiles.getField(params.userId, params.keyName)),
  route(setProfileField, async ({ requester, params, body }) => {
    await services.profiles.set(requester, params.userId, params.keyName, body)
    return {}
  }),
  route(deleteProfileField, async ({ requester, params }) => {
    await services.profiles.remove(requester, params.userId, params.keyName)
    return {}
  }),
]
