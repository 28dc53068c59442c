import {
  deleteAccountData,
  deleteAccountDataPerRoom,
  getAccountData,
  getAccountDataPerRoom,
  setAccountData,
  setAccountDataPerRoom,
} from '../../../schemas/client/account-data.ts'
import { type Route, route } from '../../http/route.ts'
import { ownRoom } from '../../rooms/policy.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { AccountData } from '../../users/account-data.ts'
import { assertOwn } from '../own-user.ts'

interface Services {
  accountData: AccountData
  rooms: Rooms
  memberships: Memberships
}

export const accountDataRoutes = ({ accountData, ...stores }: Services): Route[] => [
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
    await accountData.set(requester, params.type, body, (await ownRoom(stores, params.roomId, requester.userNid)).nid)
    return {}
  }),
  route(getAccountDataPerRoom, async ({ params, requester }) => {
    assertOwn(requester, params.userId)
    return accountData.get(requester, params.type, (await ownRoom(stores, params.roomId, requester.userNid)).nid)
  }),
  route(deleteAccountData, async ({ params, requester }) => {
    assertOwn(requester, params.userId)
    await accountData.delete(requester, params.type)
    return {}
  }),
  route(deleteAccountDataPerRoom, async ({ params, requester }) => {
    assertOwn(requester, params.userId)
    await accountData.delete(requester, params.type, (await ownRoom(stores, params.roomId, requester.userNid)).nid)
    return {}
  }),
]
