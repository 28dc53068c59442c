import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { natural } from '../definitions.ts'
import { userId } from '../ids.ts'

const found = () =>
  Type.Object({
    user_id: userId(),
    display_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    avatar_url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  })

export const searchUserDirectory = clientEndpoint('POST', '/_matrix/client/v3/user_directory/search', {
  auth: 'access-token',
  rateLimit: 'read',
  body: Type.Object({ search_term: Type.String(), limit: Type.Optional(natural()) }),
  response: Type.Object({ results: Type.Array(found()), limited: Type.Boolean() }),
})
