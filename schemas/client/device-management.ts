import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { authDict, empty, natural } from '../definitions.ts'
import { deviceId } from '../ids.ts'

const device = () =>
  Type.Object({
    device_id: deviceId(),
    display_name: Type.Optional(Type.String()),
    last_seen_ip: Type.Optional(Type.String()),
    last_seen_ts: Type.Optional(natural()),
  })

const params = Type.Object({ deviceId: deviceId() })

export const getDevices = clientEndpoint('GET', '/_matrix/client/v3/devices', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  response: Type.Object({ devices: Type.Array(device()) }),
})

export const getDevice = clientEndpoint('GET', '/_matrix/client/v3/devices/:deviceId', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params,
  response: device(),
})

export const updateDevice = clientEndpoint('PUT', '/_matrix/client/v3/devices/:deviceId', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'write',
  params,
  body: Type.Object({ display_name: Type.Optional(Type.String()) }),
  response: empty(),
})

export const deleteDevice = clientEndpoint('DELETE', '/_matrix/client/v3/devices/:deviceId', {
  auth: 'access-token',
  rateLimit: 'login',
  params,
  bodyOptional: true,
  body: Type.Object({ auth: Type.Optional(authDict()) }),
  response: empty(),
})

export const deleteDevices = clientEndpoint('POST', '/_matrix/client/v3/delete_devices', {
  auth: 'access-token',
  rateLimit: 'login',
  body: Type.Object({ devices: Type.Array(Type.String()), auth: Type.Optional(authDict()) }),
  response: empty(),
})
