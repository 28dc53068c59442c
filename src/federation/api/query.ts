import { serverOf, type ServerName, type UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { queryProfile, queryRoomDirectory } from '../../../schemas/server/query.ts'
import { invalidParam, notFound } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { RoomAliases } from '../../rooms/aliases.ts'
import type { ProfileFields } from '../../storage/profiles.ts'

export interface QueryServices {
  readonly serverName: ServerName
  readonly roomAliases: Pick<RoomAliases, 'resolveHere'>
  readonly profileFields: Pick<ProfileFields, 'ofUser'>
}

export const queryRoutes = ({ serverName, roomAliases, profileFields }: QueryServices): Route[] => [
  route(queryRoomDirectory, async ({ query: { room_alias: alias } }) => {
    const found = serverOf(alias) === serverName ? await roomAliases.resolveHere(alias) : undefined
    if (!found) throw notFound(`There is no room alias ${alias}`)
    return { room_id: found.roomId, servers: [...found.servers] }
  }),
  route(queryProfile, async ({ query: { user_id: userId, field } }) => {
    if (serverOf(userId) !== serverName) throw invalidParam(`${userId} is not a user of this server`)
    return profileOf(profileFields, userId, field)
  }),
]

async function profileOf(profiles: Pick<ProfileFields, 'ofUser'>, userId: UserId, field?: string): Promise<JsonObject> {
  const fields = await profiles.ofUser(userId)
  if (!fields) throw notFound(`There is no user ${userId}`)
  if (field === undefined) return Object.fromEntries(fields)
  const value = fields.get(field)
  return value === undefined ? {} : { [field]: value }
}
