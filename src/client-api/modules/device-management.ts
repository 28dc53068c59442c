import { deleteDevice, deleteDevices, getDevice, getDevices, updateDevice } from '../../../schemas/client/device-management.ts'
import type { DeviceManagement } from '../../devices/devices.ts'
import { type Route, route } from '../../http/route.ts'

export const deviceManagementRoutes = (services: { deviceManagement: DeviceManagement }): Route[] => [
  route(getDevices, async ({ requester }) => ({ devices: await services.deviceManagement.list(requester) })),
  route(getDevice, ({ requester, params }) => services.deviceManagement.get(requester, params.deviceId)),
  route(updateDevice, async ({ requester, params, body }) => {
    await services.deviceManagement.rename(requester, params.deviceId, body.display_name)
    return {}
  }),
  route(deleteDevice, async ({ requester, params, body }) => {
    await services.deviceManagement.delete(requester, params.deviceId, body)
    return {}
  }),
  route(deleteDevices, async ({ requester, body }) => {
    await services.deviceManagement.deleteAll(requester, body)
    return {}
  }),
]
