import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { crossSigningKey, jsonObject, natural, publishedDeviceKeys } from '../definitions.ts'
import { deviceId, userId } from '../ids.ts'

/** Keys are passed on to clients, who check them. */
const device = () =>
  Type.Object({ device_id: deviceId(), keys: Type.Optional(jsonObject()), device_display_name: Type.Optional(Type.String()) })

export const getUserDevices = serverEndpoint('GET', '/_matrix/federation/v1/user/devices/:userId', {
  auth: 'server',
  params: Type.Object({ userId: userId() }),
  response: Type.Object({
    user_id: userId(),
    stream_id: natural(),
    devices: Type.Array(device()),
    master_key: Type.Optional(jsonObject()),
    self_signing_key: Type.Optional(jsonObject()),
  }),
  ownResponse: Type.Object({
    user_id: userId(),
    stream_id: natural(),
    devices: Type.Array(
      Type.Object({ device_id: deviceId(), keys: publishedDeviceKeys(), device_display_name: Type.Optional(Type.String()) }),
    ),
    master_key: Type.Optional(crossSigningKey()),
    self_signing_key: Type.Optional(crossSigningKey()),
  }),
})
