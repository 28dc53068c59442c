import { sendToDevice } from '../../../schemas/client/to-device.ts'
import type { ToDevice } from '../../devices/to-device.ts'
import { type Route, route } from '../../http/route.ts'

export const toDeviceRoutes = (services: { toDevice: ToDevice }): Route[] => [
  route(sendToDevice, async ({ requester, params, body }) => {
    await services.toDevice.send(requester, params.eventType, params.txnId, body.messages)
    return {}
  }),
]
