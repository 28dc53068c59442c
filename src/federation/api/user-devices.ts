import { getUserDevices } from '../../../schemas/server/user-devices.ts'
import type { KeyQueries } from '../../devices/key-queries.ts'
import { type Route, route } from '../../http/route.ts'

export const userDevicesRoutes = (services: { keyQueries: Pick<KeyQueries, 'devicesOf'> }): Route[] => [
  route(getUserDevices, ({ params }) => services.keyQueries.devicesOf(params.userId)),
]
