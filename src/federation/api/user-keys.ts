import { claimUserEncryptionKeys, queryUserEncryptionKeys } from '../../../schemas/server/user-keys.ts'
import type { DeviceKeys } from '../../devices/device-keys.ts'
import type { KeyQueries } from '../../devices/key-queries.ts'
import { type Route, route } from '../../http/route.ts'

export interface UserKeysServices {
  readonly deviceKeys: Pick<DeviceKeys, 'claimForServer'>
  readonly keyQueries: Pick<KeyQueries, 'queryForServer' | 'devicesOf'>
}

export const userKeysRoutes = (services: UserKeysServices): Route[] => [
  route(claimUserEncryptionKeys, async ({ body }) => ({
    one_time_keys: await services.deviceKeys.claimForServer(body.one_time_keys),
  })),
  route(queryUserEncryptionKeys, ({ body }) => services.keyQueries.queryForServer(body.device_keys)),
]
