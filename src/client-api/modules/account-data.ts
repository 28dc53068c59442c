import {
  getAccountData,
  getAccountDataPerRoom,
  setAccountData,
  setAccountDataPerRoom,
} from '../../../schemas/client/account-data.ts'
import { type Route, route } from '../../http/route.ts'
import { knownRoom } from '../../rooms/policy.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { AccountData } from '../../users/account-data.ts'
import { assertOwn } from '../own-user.ts'

export const accountDataRoutes = ({ accountData, rooms }: { accountData: AccountData; rooms: Rooms }): Route[] => [
  route(setAccountData, async ({ params, body, requester }) => {
    assertOwn(requester, params.userId)
    await accountData.set(requester, params.type, body)
    return {}
  }),
  route(getAccountData, ({ params, requester }) => {
    assertOwn(requester, params.userId)
    return accountData.get(requester, params.type)
  }),
  route(setAccountDataPerRoom, async ({ params, body, requester }) => {
    assertOwn(requester, params.userId)
    await accountData.set(requester, params.type, body, (await knownRoom(rooms, params.roomId)).nid)
    return {}
  }),
  route(getAccountDataPerRoom, async ({ params, requester }) => {
    assertOwn(requester, params.userId)
    return accountData.get(requester, params.type, (await knownRoom(rooms, params.roomId)).nid)
  }),
]
