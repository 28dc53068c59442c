import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { jsonObject, visibility } from '../definitions.ts'
import { roomId, userId } from '../ids.ts'

const invite3pid = () =>
  Type.Object({
    id_server: Type.String(),
    id_access_token: Type.Optional(Type.String()),
    medium: Type.String(),
    address: Type.String(),
  })

const initialStateEvent = () =>
  Type.Object({ type: Type.String(), state_key: Type.Optional(Type.String()), content: jsonObject() })

/** Everything in a new room is committed at once, and nothing else meanwhile: lists have an end. */
export const createRoom = clientEndpoint('POST', '/_matrix/client/v3/createRoom', {
  auth: 'access-token',
  rateLimit: 'room-creation',
  bodyOptional: true,
  maxBody: 1024 * 1024,
  body: Type.Object({
    visibility: Type.Optional(visibility()),
    room_alias_name: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    topic: Type.Optional(Type.String()),
    invite: Type.Optional(Type.Array(userId(), { maxItems: 200 })),
    invite_3pid: Type.Optional(Type.Array(invite3pid(), { maxItems: 50 })),
    room_version: Type.Optional(Type.String()),
    creation_content: Type.Optional(jsonObject()),
    initial_state: Type.Optional(Type.Array(initialStateEvent(), { maxItems: 200 })),
    preset: Type.Optional(Type.Enum(['private_chat', 'public_chat', 'trusted_private_chat'])),
    is_direct: Type.Optional(Type.Boolean()),
    power_level_content_override: Type.Optional(jsonObject()),
  }),
  response: Type.Object({ room_id: roomId(), room_alias: Type.Optional(Type.String()) }),
})
