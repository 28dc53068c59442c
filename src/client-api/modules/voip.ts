import { getTurnServer } from '../../../schemas/client/voip.ts'
import { type Route, route } from '../../http/route.ts'

/** No TURN server can be configured: clients do without. */
export const voipRoutes = (): Route[] => [route(getTurnServer, async () => ({}))]
