import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, visibility } from '../definitions.ts'
import { roomId } from '../ids.ts'

export const updateAppserviceRoomDirectoryVisibility = clientEndpoint(
  'PUT',
  '/_matrix/client/v3/directory/list/appservice/:networkId/:roomId',
  {
    auth: 'app-service',
    rateLimit: 'write',
    params: Type.Object({ networkId: Type.String(), roomId: roomId() }),
    body: Type.Object({ visibility: visibility() }),
    response: empty(),
  },
)

/** Not in the specification any more, but bridges take rooms off their lists with it. */
export const deleteAppserviceRoomDirectoryVisibility = clientEndpoint(
  'DELETE',
  '/_matrix/client/v3/directory/list/appservice/:networkId/:roomId',
  {
    auth: 'app-service',
    rateLimit: 'write',
    params: Type.Object({ networkId: Type.String(), roomId: roomId() }),
    response: empty(),
    spec: updateAppserviceRoomDirectoryVisibility.spec,
  },
)
