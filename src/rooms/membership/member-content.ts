import type { UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import type { ProfileFields } from '../../storage/profiles.ts'

export type ProfileSource = Pick<ProfileFields, 'ofUser'>
export type MemberState = 'invite' | 'join' | 'knock' | 'leave' | 'ban'

/** Keys of a member event that clients do not set: the server vouches for them. */
const OF_SERVER = ['join_authorised_via_users_server', 'third_party_invite'] as const

/**
 * The display name and avatar of a user of ours, for the content of their member events; nothing of users elsewhere.
 * https://spec.matrix.org/v1.19/client-server-api/#events-on-change-of-profile-information
 */
export async function shownProfile(profiles: ProfileSource, userId: UserId): Promise<JsonObject> {
  const fields = await profiles.ofUser(userId)
  const shown: JsonObject = {}
  for (const key of ['displayname', 'avatar_url']) {
    const value = fields?.get(key)
    if (value !== undefined) shown[key] = value
  }
  return shown
}

/** The content of a member event: the user's profile, under what the client has given for this room. */
export async function memberContent(
  profiles: ProfileSource,
  userId: UserId,
  membership: MemberState,
  given: JsonObject = {},
): Promise<JsonObject> {
  const content: JsonObject = { ...(await shownProfile(profiles, userId)), ...given, membership }
  for (const key of OF_SERVER) delete content[key]
  return content
}
