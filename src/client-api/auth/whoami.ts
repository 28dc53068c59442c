import { getTokenOwner } from '../../../schemas/client/whoami.ts'
import { type Route, route } from '../../http/route.ts'

export const whoamiRoutes = (): Route[] => [
  route(getTokenOwner, async ({ requester: { userId, deviceId, isGuest } }) =>
    deviceId === undefined ? { user_id: userId, is_guest: isGuest } : { user_id: userId, device_id: deviceId, is_guest: isGuest },
  ),
]
