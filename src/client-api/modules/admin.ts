import {
  getAdminLockUser,
  getAdminSuspendUser,
  getWhoIs,
  setAdminLockUser,
  setAdminSuspendUser,
} from '../../../schemas/client/admin.ts'
import { type ServerName, serverOf, type UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { forbidden, invalidParam } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { Device, Devices } from '../../storage/devices.ts'
import type { Account } from '../../storage/accounts.ts'
import type { AccountModeration } from '../../users/moderation.ts'

interface Services {
  serverName: ServerName
  moderation: AccountModeration
  devices: Devices
}

export const adminRoutes = (services: Services): Route[] => [
  route(getWhoIs, async ({ requester, params: { userId } }) => {
    if (requester.userId !== userId && !requester.isAdmin) throw forbidden('Only administrators may ask about others')
    const { userNid } = await services.moderation.accountOf(userId)
    const entries = (await services.devices.ofUser(userNid)).map(
      (device) => [device.deviceId, { sessions: sessionsOf(device) }] as const,
    )
    return rawJson(JSON.stringify({ user_id: userId, devices: Object.fromEntries(entries) }))
  }),

  route(getAdminSuspendUser, async ({ params: { userId } }) => ({
    suspended: (await ownAccount(services, userId)).isSuspended,
  })),

  route(setAdminSuspendUser, async ({ requester, params: { userId }, body: { suspended } }) => {
    await assertMayModerate(services, requester, userId)
    await services.moderation.setSuspended(userId, suspended)
    return { suspended }
  }),

  route(getAdminLockUser, async ({ params: { userId } }) => ({ locked: (await ownAccount(services, userId)).isLocked })),

  route(setAdminLockUser, async ({ requester, params: { userId }, body: { locked } }) => {
    await assertMayModerate(services, requester, userId)
    await services.moderation.setLocked(userId, locked)
    return { locked }
  }),
]

function ownAccount({ moderation, serverName }: Services, userId: UserId): Promise<Account> {
  if (serverOf(userId) !== serverName) throw invalidParam(`${userId} is not a user of this server`)
  return moderation.accountOf(userId)
}

/** Servers MUST forbid administrators to do this to themselves, and should to one another. */
async function assertMayModerate(services: Services, requester: Requester, userId: UserId): Promise<void> {
  if (requester.userId === userId) throw forbidden('You cannot do this to yourself')
  if ((await ownAccount(services, userId)).isAdmin) throw forbidden('You cannot do this to another administrator')
}

function sessionsOf({ lastSeenTs, lastSeenIp, lastSeenAgent }: Device): JsonObject[] {
  const connection = { ip: lastSeenIp, last_seen: lastSeenTs, user_agent: lastSeenAgent ?? '' }
  return [{ connections: lastSeenTs === null ? [] : [connection] }]
}
