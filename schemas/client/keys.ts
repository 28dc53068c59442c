import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import {
  crossSigningKey,
  deviceKeys,
  jsonObject,
  keysById,
  mapOf,
  MEGABYTE,
  natural,
  publishedDeviceKeys,
  userMapOf,
} from '../definitions.ts'
import { deviceId } from '../ids.ts'
import type { JsonObject } from '../json.ts'

/** The device ID in the path of old clients is ignored: the token says which device it is. */
export const uploadKeys = clientEndpoint('POST', '/_matrix/client/v3/keys/upload', {
  alsoAt: ['/_matrix/client/v3/keys/upload/:deviceId'],
  auth: 'access-token',
  guests: true,
  rateLimit: 'write',
  params: Type.Object({ deviceId: Type.Optional(deviceId()) }),
  maxBody: MEGABYTE,
  body: Type.Object({
    device_keys: Type.Optional(deviceKeys()),
    one_time_keys: Type.Optional(keysById()),
    fallback_keys: Type.Optional(keysById()),
  }),
  response: Type.Object({ one_time_key_counts: mapOf(natural()) }),
})

export const queryKeys = clientEndpoint('POST', '/_matrix/client/v3/keys/query', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  maxBody: 4 * MEGABYTE,
  body: Type.Object({ timeout: Type.Optional(natural()), device_keys: userMapOf(Type.Array(Type.String())) }),
  response: Type.Object({
    failures: Type.Optional(mapOf(jsonObject())),
    device_keys: Type.Optional(mapOf(mapOf(publishedDeviceKeys()))),
    master_keys: Type.Optional(mapOf(Type.Unsafe<JsonObject>(crossSigningKey()))),
    self_signing_keys: Type.Optional(mapOf(Type.Unsafe<JsonObject>(crossSigningKey()))),
    user_signing_keys: Type.Optional(mapOf(Type.Unsafe<JsonObject>(crossSigningKey()))),
  }),
})

export const claimKeys = clientEndpoint('POST', '/_matrix/client/v3/keys/claim', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'write',
  maxBody: 4 * MEGABYTE,
  /** By user and device: the algorithm. */
  body: Type.Object({ timeout: Type.Optional(natural()), one_time_keys: userMapOf(mapOf(Type.String())) }),
  response: Type.Object({
    failures: Type.Optional(mapOf(jsonObject())),
    one_time_keys: mapOf(mapOf(Type.Unsafe<JsonObject>(keysById()))),
  }),
})

export const getKeysChanges = clientEndpoint('GET', '/_matrix/client/v3/keys/changes', {
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({ from: Type.String(), to: Type.String() }),
  response: Type.Object({ changed: Type.Array(Type.String()), left: Type.Array(Type.String()) }),
})
