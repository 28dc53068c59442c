import { getWellknown } from '../../../schemas/client/wellknown.ts'
import { type Route, route } from '../../http/route.ts'
import { rtcTransports } from '../modules/rtc.ts'

export const wellknownRoutes = (services: { publicBaseUrl: string; livekitServiceUrls: readonly string[] }): Route[] => {
  const foci = rtcTransports(services.livekitServiceUrls)
  const answer = {
    'm.homeserver': { base_url: services.publicBaseUrl },
    ...(foci.length > 0 && { 'org.matrix.msc4143.rtc_foci': foci }),
  }
  return [route(getWellknown, async () => answer)]
}
