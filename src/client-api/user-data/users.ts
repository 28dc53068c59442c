import { searchUserDirectory } from '../../../schemas/client/users.ts'
import { type Route, route } from '../../http/route.ts'
import type { UserDirectory } from '../../rooms/user-directory.ts'

const DEFAULT_LIMIT = 10

export const userDirectoryRoutes = ({ userDirectory }: { userDirectory: UserDirectory }): Route[] => [
  route(searchUserDirectory, async ({ requester, body: { search_term: term, limit = DEFAULT_LIMIT } }) => {
    const { users, isLimited } = await userDirectory.search(requester, term, limit)
    const results = users.map(({ userId, displayName, avatarUrl }) => ({
      user_id: userId,
      ...(displayName !== undefined && { display_name: displayName }),
      ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
    }))
    return { results, limited: isLimited }
  }),
]
