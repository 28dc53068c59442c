import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'

export const getWellknownSupport = clientEndpoint('GET', '/.well-known/matrix/support', {
  auth: 'none',
  response: Type.Object({
    contacts: Type.Optional(
      Type.Array(
        Type.Object({
          role: Type.String(),
          matrix_id: Type.Optional(Type.String()),
          email_address: Type.Optional(Type.String()),
        }),
      ),
    ),
    support_page: Type.Optional(Type.String()),
  }),
})
