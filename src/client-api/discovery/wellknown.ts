import { getWellknown } from '../../../schemas/client/wellknown.ts'
import { type Route, route } from '../../http/route.ts'

export const wellknownRoutes = (services: { publicBaseUrl: string }): Route[] => [
  route(getWellknown, async () => ({ 'm.homeserver': { base_url: services.publicBaseUrl } })),
]
