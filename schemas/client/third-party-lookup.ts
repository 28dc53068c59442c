/** What application services know of the networks they bridge. */
import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { jsonObject, mapOf } from '../definitions.ts'
import { roomAlias, userId } from '../ids.ts'
import type { JsonObject } from '../json.ts'

const protocol = () => Type.Object({ protocol: Type.String({ minLength: 1 }) })
const metadata = () =>
  Type.Unsafe<JsonObject>(
    Type.Object({
      user_fields: Type.Array(Type.String()),
      location_fields: Type.Array(Type.String()),
      icon: Type.String(),
      field_types: mapOf(Type.Object({ regexp: Type.String(), placeholder: Type.String() })),
      instances: Type.Array(
        Type.Object({
          desc: Type.String(),
          icon: Type.Optional(Type.String()),
          fields: jsonObject(),
          network_id: Type.String(),
          instance_id: Type.Optional(Type.String()),
        }),
      ),
    }),
  )
const locations = () => Type.Array(Type.Object({ alias: Type.String(), protocol: Type.String(), fields: jsonObject() }))
const users = () => Type.Array(Type.Object({ userid: Type.String(), protocol: Type.String(), fields: jsonObject() }))

export const getProtocols = clientEndpoint('GET', '/_matrix/client/v3/thirdparty/protocols', {
  auth: 'access-token',
  rateLimit: 'read',
  response: mapOf(metadata()),
})

export const getProtocolMetadata = clientEndpoint('GET', '/_matrix/client/v3/thirdparty/protocol/:protocol', {
  auth: 'access-token',
  rateLimit: 'read',
  params: protocol(),
  response: metadata(),
})

/** The query holds the protocol's own location fields. */
export const queryLocationByProtocol = clientEndpoint('GET', '/_matrix/client/v3/thirdparty/location/:protocol', {
  auth: 'access-token',
  rateLimit: 'read',
  params: protocol(),
  query: mapOf(Type.String()),
  response: locations(),
})

/** The query holds the protocol's own user fields. */
export const queryUserByProtocol = clientEndpoint('GET', '/_matrix/client/v3/thirdparty/user/:protocol', {
  auth: 'access-token',
  rateLimit: 'read',
  params: protocol(),
  query: mapOf(Type.String()),
  response: users(),
})

export const queryLocationByAlias = clientEndpoint('GET', '/_matrix/client/v3/thirdparty/location', {
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({ alias: roomAlias() }),
  response: locations(),
})

export const queryUserByID = clientEndpoint('GET', '/_matrix/client/v3/thirdparty/user', {
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({ userid: userId() }),
  response: users(),
})
