import {
  deleteDehydratedDevice,
  getDehydratedDevice,
  getDehydratedDeviceEvents,
  putDehydratedDevice,
  takeDehydratedDeviceEvents,
} from '../../../schemas/client/dehydrated-devices.ts'
import type { DehydratedDevices } from '../../devices/dehydrated-devices.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import { decodeToken, encodeToken } from '../../streams/position.ts'

export const dehydratedDevicesRoutes = ({ dehydratedDevices }: { dehydratedDevices: DehydratedDevices }): Route[] => [
  route(putDehydratedDevice, async ({ requester, body }) => {
    await dehydratedDevices.replace(requester, body)
    return { device_id: body.device_id }
  }),
  route(getDehydratedDevice, async ({ requester }) => {
    const { deviceId, deviceData } = await dehydratedDevices.get(requester)
    return { device_id: deviceId, device_data: deviceData }
  }),
  route(deleteDehydratedDevice, async ({ requester }) => ({ device_id: await dehydratedDevices.delete(requester) })),
  route(getDehydratedDeviceEvents, async ({ requester, params, query: { from } }) => {
    const { events, last, hasMore } = await dehydratedDevices.events(requester, params.deviceId, positionOf(from))
    return answer(events, hasMore ? last : undefined)
  }),
  route(takeDehydratedDeviceEvents, async ({ requester, params, body: { next_batch: from } }) => {
    const { events, last } = await dehydratedDevices.events(requester, params.deviceId, positionOf(from))
    return answer(events, last ?? positionOf(from))
  }),
]

const positionOf = (token: string | undefined): number => (token === undefined ? 0 : decodeToken(token))

const answer = (events: readonly string[], next: number | undefined) =>
  rawJson(`{"events":[${events.join(',')}]${next === undefined ? '' : `,"next_batch":"${encodeToken(next)}"`}}`)
