import { getServerKey } from '../../../schemas/server/keys-server.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { OwnKeys } from '../own-keys.ts'

export const keysServerRoutes = ({ ownKeys }: { readonly ownKeys: OwnKeys }): Route[] => [
  route(getServerKey, async () => rawJson(JSON.stringify(ownKeys.published()))),
]
