import { createRoom } from '../../../schemas/client/create-room.ts'
import { badJson } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import { hasNonCanonicalNumbers } from '../../protocol/strict-json.ts'
import type { RoomCreation } from '../../rooms/create.ts'
import type { ThirdPartyInvites } from '../../rooms/third-party-invites.ts'

interface Services {
  readonly roomCreation: RoomCreation
  readonly thirdPartyInvites: ThirdPartyInvites
}

export const createRoomRoutes = ({ roomCreation, thirdPartyInvites }: Services): Route[] => [
  route(createRoom, async ({ requester, body, bodyText }) => {
    const { strictCanonicalJson } = roomCreation.rulesOf(body.room_version)
    if (strictCanonicalJson && bodyText !== '' && hasNonCanonicalNumbers(bodyText))
      throw badJson('The body holds a number that is no integer from -(2^53 - 1) to 2^53 - 1')
    const { roomId, alias } = await roomCreation.create(requester, body)
    const given = body.is_direct === true ? { is_direct: true } : {}
    await thirdPartyInvites.inviteAll(requester, roomId, body.invite_3pid ?? [], given)
    return { room_id: roomId, ...(alias !== undefined && { room_alias: alias }) }
  }),
]
