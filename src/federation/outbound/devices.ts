import { getUserDevices } from '../../../schemas/server/user-devices.ts'
import { claimUserEncryptionKeys, queryUserEncryptionKeys } from '../../../schemas/server/user-keys.ts'
import type { RemoteDevices } from '../../devices/remote.ts'
import type { FederationClient } from '../client.ts'

/** Keys and devices of users of other servers. Every call rejects with a FederationError. */
export function remoteDevices(client: Pick<FederationClient, 'call'>): RemoteDevices {
  return {
    queryKeys: (server, device_keys, options) => client.call(queryUserEncryptionKeys, server, { body: { device_keys } }, options),
    claimKeys: async (server, one_time_keys, options) =>
      (await client.call(claimUserEncryptionKeys, server, { body: { one_time_keys } }, options)).one_time_keys,
    userDevices: (server, userId, options) => client.call(getUserDevices, server, { params: { userId } }, options),
  }
}
