import { Type } from 'typebox'

/** The body of an invite by an address outside of Matrix. Its endpoint is `inviteUser` in inviting.ts: both share one path. */
export const thirdPartyInvite = () =>
  Type.Object({
    id_server: Type.String(),
    id_access_token: Type.Optional(Type.String()),
    medium: Type.String(),
    address: Type.String(),
    reason: Type.Optional(Type.String()),
  })
