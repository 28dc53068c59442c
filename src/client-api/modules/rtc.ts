import { getRtcTransports } from '../../../schemas/client/rtc.ts'
import type { ResponseOf } from '../../../schemas/endpoint.ts'
import { type Route, route } from '../../http/route.ts'

/** The transports of calls through these LiveKit services. */
export const rtcTransports = (livekitServiceUrls: readonly string[]): ResponseOf<typeof getRtcTransports>['rtc_transports'] =>
  livekitServiceUrls.map((url) => ({ type: 'livekit', livekit_service_url: url }))

export const rtcRoutes = (services: { livekitServiceUrls: readonly string[] }): Route[] => [
  route(getRtcTransports, async () => ({ rtc_transports: rtcTransports(services.livekitServiceUrls) })),
]
