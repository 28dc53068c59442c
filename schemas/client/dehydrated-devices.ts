/** MSC3814. https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { deviceKeys, jsonObject, keysById, MEGABYTE, natural } from '../definitions.ts'
import { deviceId } from '../ids.ts'
import type { JsonObject } from '../json.ts'

const SPEC = 'https://github.com/matrix-org/matrix-spec-proposals/pull/3814'
const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'
/** What it looks like inside is the clients' business. */
const deviceData = () => Type.Unsafe<JsonObject>(Type.Object({ algorithm: Type.String() }))

export const putDehydratedDevice = clientEndpoint('PUT', PATH, {
  auth: 'access-token',
  rateLimit: 'write',
  spec: SPEC,
  maxBody: MEGABYTE,
  body: Type.Object({
    device_id: deviceId(),
    device_data: deviceData(),
    initial_device_display_name: Type.Optional(Type.String()),
    device_keys: deviceKeys(),
    one_time_keys: Type.Optional(keysById()),
    fallback_keys: Type.Optional(keysById()),
  }),
  response: Type.Object({ device_id: deviceId() }),
})

export const getDehydratedDevice = clientEndpoint('GET', PATH, {
  auth: 'access-token',
  rateLimit: 'read',
  spec: SPEC,
  response: Type.Object({ device_id: deviceId(), device_data: deviceData() }),
})

export const deleteDehydratedDevice = clientEndpoint('DELETE', PATH, {
  auth: 'access-token',
  rateLimit: 'write',
  spec: SPEC,
  response: Type.Object({ device_id: deviceId() }),
})

const events = () => Type.Object({ events: Type.Array(jsonObject()), next_batch: Type.Optional(Type.String()) })

export const getDehydratedDeviceEvents = clientEndpoint('GET', `${PATH}/:deviceId/events`, {
  auth: 'access-token',
  rateLimit: 'read',
  spec: SPEC,
  params: Type.Object({ deviceId: deviceId() }),
  query: Type.Object({ from: Type.Optional(Type.String()), limit: Type.Optional(natural()) }),
  response: events(),
})

/** As earlier drafts had it. There is always a `next_batch`; the last answer has no events. */
export const takeDehydratedDeviceEvents = clientEndpoint('POST', `${PATH}/:deviceId/events`, {
  auth: 'access-token',
  rateLimit: 'read',
  spec: SPEC,
  params: Type.Object({ deviceId: deviceId() }),
  body: Type.Object({ next_batch: Type.Optional(Type.String()) }),
  bodyOptional: true,
  response: events(),
})
