import { getWellknown } from '../../../schemas/client/wellknown.ts'
import { type Route, route } from '../../http/route.ts'
import { rtcTransports } from '../modules/rtc.ts'

export const wellknownRoutes = (services: { publicBaseUrl: string; livekitServiceUrls: readonly string[] }): Route[] => [
  route(getWellknown, async () => {
    const foci = rtcTransports(services.livekitServiceUrls)
    const homeserver = { 'm.homeserver': { base_url: services.publicBaseUrl } }
    return foci.length === 0 ? homeserver : { ...homeserver, 'org.matrix.msc4143.rtc_foci': foci }
  }),
]
