import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, mapOf } from '../definitions.ts'
import { roomId, userId } from '../ids.ts'
import type { JsonObject } from '../json.ts'

const TAGS = '/_matrix/client/v3/user/:userId/rooms/:roomId/tags'
const tag = () => Type.Object({ userId: userId(), roomId: roomId(), tag: Type.String({ minLength: 1, maxLength: 255 }) })

const tagContent = () => Type.Unsafe<JsonObject>(Type.Object({ order: Type.Optional(Type.Number()) }))

export const getRoomTags = clientEndpoint('GET', TAGS, {
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ userId: userId(), roomId: roomId() }),
  response: Type.Object({ tags: mapOf(tagContent()) }),
})

export const setRoomTag = clientEndpoint('PUT', `${TAGS}/:tag`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: tag(),
  bodyOptional: true,
  body: tagContent(),
  response: empty(),
})

export const deleteRoomTag = clientEndpoint('DELETE', `${TAGS}/:tag`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: tag(),
  response: empty(),
})
