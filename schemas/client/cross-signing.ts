import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { authDict, crossSigningKey, empty, jsonObject, mapOf, MEGABYTE, userMapOf } from '../definitions.ts'

export const uploadCrossSigningKeys = clientEndpoint('POST', '/_matrix/client/v3/keys/device_signing/upload', {
  alsoAt: ['/_matrix/client/unstable/keys/device_signing/upload'],
  auth: 'access-token',
  rateLimit: 'write',
  body: Type.Object({
    auth: Type.Optional(authDict()),
    master_key: Type.Optional(crossSigningKey()),
    self_signing_key: Type.Optional(crossSigningKey()),
    user_signing_key: Type.Optional(crossSigningKey()),
  }),
  response: empty(),
})

/** By user, then by device ID or public key: the signed object. */
export const uploadCrossSigningSignatures = clientEndpoint('POST', '/_matrix/client/v3/keys/signatures/upload', {
  alsoAt: ['/_matrix/client/unstable/keys/signatures/upload'],
  auth: 'access-token',
  rateLimit: 'write',
  maxBody: MEGABYTE,
  body: userMapOf(mapOf(jsonObject())),
  response: Type.Object({ failures: mapOf(mapOf(jsonObject())) }),
})
