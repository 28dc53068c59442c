import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, jsonObject } from '../definitions.ts'
import type { JsonObject } from '../json.ts'

/** Of pushers of the kind `http`; what else a client puts there goes with its notifications. */
const data = () =>
  Type.Unsafe<JsonObject>(Type.Object({ url: Type.Optional(Type.String()), format: Type.Optional(Type.String()) }))

const pusher = () =>
  Type.Object({
    pushkey: Type.String(),
    kind: Type.String(),
    app_id: Type.String(),
    app_display_name: Type.String(),
    device_display_name: Type.String(),
    profile_tag: Type.Optional(Type.String()),
    lang: Type.String(),
    data: data(),
    'org.matrix.msc3881.enabled': Type.Boolean(),
    'org.matrix.msc3881.device_id': Type.Optional(Type.String()),
  })

export const getPushers = clientEndpoint('GET', '/_matrix/client/v3/pushers', {
  auth: 'access-token',
  rateLimit: 'read',
  response: Type.Object({ pushers: Type.Array(pusher()) }),
})

/** `kind` null deletes the pusher; what else it needs is required where it is not null. */
export const postPusher = clientEndpoint('POST', '/_matrix/client/v3/pushers/set', {
  auth: 'access-token',
  rateLimit: 'write',
  body: Type.Object({
    pushkey: Type.String(),
    kind: Type.Union([Type.String(), Type.Null()]),
    app_id: Type.String(),
    app_display_name: Type.Optional(Type.String()),
    device_display_name: Type.Optional(Type.String()),
    profile_tag: Type.Optional(Type.String()),
    lang: Type.Optional(Type.String()),
    data: Type.Optional(jsonObject()),
    append: Type.Optional(Type.Boolean()),
    'org.matrix.msc3881.enabled': Type.Optional(Type.Boolean()),
    'org.matrix.msc3881.device_id': Type.Optional(Type.String()),
  }),
  response: empty(),
})
