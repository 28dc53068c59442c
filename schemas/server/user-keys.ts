import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { crossSigningKey, json, jsonObject, mapOf, MEGABYTE, oneTimeKey, publishedDeviceKeys, userMapOf } from '../definitions.ts'

export const claimUserEncryptionKeys = serverEndpoint('POST', '/_matrix/federation/v1/user/keys/claim', {
  auth: 'server',
  maxBody: 4 * MEGABYTE,
  /** By user and device: the algorithm. */
  body: Type.Object({ one_time_keys: userMapOf(mapOf(Type.String())) }),
  response: Type.Object({ one_time_keys: mapOf(mapOf(mapOf(json()))) }),
  ownResponse: Type.Object({ one_time_keys: mapOf(mapOf(mapOf(oneTimeKey()))) }),
})

export const queryUserEncryptionKeys = serverEndpoint('POST', '/_matrix/federation/v1/user/keys/query', {
  auth: 'server',
  maxBody: 4 * MEGABYTE,
  /** By user: the devices, or none for all of them. */
  body: Type.Object({ device_keys: userMapOf(Type.Array(Type.String())) }),
  response: Type.Object({
    device_keys: mapOf(mapOf(jsonObject())),
    master_keys: Type.Optional(mapOf(jsonObject())),
    self_signing_keys: Type.Optional(mapOf(jsonObject())),
  }),
  ownResponse: Type.Object({
    device_keys: mapOf(mapOf(publishedDeviceKeys())),
    master_keys: Type.Optional(mapOf(crossSigningKey())),
    self_signing_keys: Type.Optional(mapOf(crossSigningKey())),
  }),
})
