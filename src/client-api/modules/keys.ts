import { claimKeys, getKeysChanges, queryKeys, uploadKeys } from '../../../schemas/client/keys.ts'
import type { DeviceKeys } from '../../devices/device-keys.ts'
import type { KeyQueries } from '../../devices/key-queries.ts'
import { type Route, route } from '../../http/route.ts'
import { decodeToken } from '../../streams/position.ts'
import type { DeviceListStream } from '../../sync/streams/device-lists.ts'

export const keysRoutes = (services: {
  deviceKeys: DeviceKeys
  keyQueries: KeyQueries
  deviceListStream: DeviceListStream
}): Route[] => [
  route(uploadKeys, async ({ requester, body }) => ({ one_time_key_counts: await services.deviceKeys.upload(requester, body) })),
  route(queryKeys, ({ requester, body }) => services.keyQueries.query(requester, body.device_keys, body.timeout)),
  route(claimKeys, ({ body }) => services.deviceKeys.claim(body.one_time_keys, body.timeout)),
  // What has changed after `to` the client hears of in its next sync.
  route(getKeysChanges, ({ requester, query: { from, to } }) =>
    services.deviceListStream.changes(requester, decodeToken(from), decodeToken(to)),
  ),
]
