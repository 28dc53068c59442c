import type { BodyOf } from '../../../schemas/endpoint.ts'
import { isServerName } from '../../../schemas/ids.ts'
import { bulkPerspectivesKeyQuery, perspectivesKeyQuery } from '../../../schemas/server/keys-query.ts'
import type { Clock } from '../../core/clock.ts'
import { type RawResponse, rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { KeyNotary, NotaryQuery } from '../notary.ts'

export interface KeysQueryServices {
  readonly notary: Pick<KeyNotary, 'answer'>
  readonly clock: Clock
}

export const keysQueryRoutes = ({ notary, clock }: KeysQueryServices): Route[] => [
  route(perspectivesKeyQuery, async ({ params: { serverName, keyId }, query }) => {
    // If not supplied, the notary server MUST use the current time.
    const validUntil = query.minimum_valid_until_ts ?? clock.now()
    const keyIds = new Map(keyId === undefined ? [] : [[keyId, validUntil]])
    return answer(notary, [{ server: serverName, keyIds, validUntil }])
  }),
  route(bulkPerspectivesKeyQuery, async ({ body }) => answer(notary, queriesOf(body, clock.now()))),
]

function queriesOf({ server_keys: servers }: BodyOf<typeof bulkPerspectivesKeyQuery>, now: number): NotaryQuery[] {
  return Object.entries(servers).flatMap(([server, keys]) => {
    const keyIds = new Map(Object.entries(keys).map(([keyId, criteria]) => [keyId, criteria.minimum_valid_until_ts ?? now]))
    return isServerName(server) ? [{ server, keyIds, validUntil: now }] : []
  })
}

async function answer(notary: Pick<KeyNotary, 'answer'>, queries: readonly NotaryQuery[]): Promise<RawResponse> {
  return rawJson(JSON.stringify({ server_keys: await notary.answer(queries) }))
}
