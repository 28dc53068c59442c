import { setRoomStateWithKey } from '../../../schemas/client/room-state.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientSends } from '../../rooms/client-sends.ts'

export const roomStateRoutes = ({ clientSends }: { clientSends: ClientSends }): Route[] => [
  route(setRoomStateWithKey, async ({ requester, params, query, body, bodyText }) => {
    const { roomId, eventType, stateKey = '' } = params
    const given = { content: body, text: bodyText, originServerTs: query.ts }
    return { event_id: await clientSends.setState(requester, roomId, eventType, stateKey, given) }
  }),
]
