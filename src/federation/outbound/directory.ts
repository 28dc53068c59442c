/** What other servers tell of their rooms and users to whoever asks. */
import { isServerName, type RoomAlias, type ServerName, serverOf, type UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { getPublicRooms, queryPublicRooms } from '../../../schemas/server/public-rooms.ts'
import { queryProfile, queryRoomDirectory } from '../../../schemas/server/query.ts'
import type { AliasTarget, PublicRoomsQuery } from '../../rooms/remote.ts'
import type { RemoteProfiles } from '../../users/profile.ts'
import { FOR_A_USER, type FederationClient } from '../client.ts'
import { FederationError } from '../errors.ts'

export class RemoteDirectory implements RemoteProfiles {
  readonly #client: Pick<FederationClient, 'call'>

  constructor(client: Pick<FederationClient, 'call'>) {
    this.#client = client
  }

  /** As `RemoteRooms.resolveAlias`. */
  async resolveAlias(alias: RoomAlias): Promise<AliasTarget | undefined> {
    try {
      const found = await this.#client.call(queryRoomDirectory, serverOf(alias), { query: { room_alias: alias } }, FOR_A_USER)
      return { roomId: found.room_id, servers: found.servers.filter(isServerName) }
    } catch (cause) {
      if (cause instanceof FederationError && cause.remoteStatus === 404) return undefined
      throw cause
    }
  }

  /** As `RemoteRooms.publicRooms`. */
  async publicRooms(server: ServerName, query: PublicRoomsQuery): Promise<JsonObject> {
    const { limit, since, filter, includeAllNetworks, thirdPartyInstanceId } = query
    const asked = {
      ...(limit !== undefined && { limit }),
      ...(since !== undefined && { since }),
      ...(includeAllNetworks !== undefined && { include_all_networks: includeAllNetworks }),
      ...(thirdPartyInstanceId !== undefined && { third_party_instance_id: thirdPartyInstanceId }),
    }
    const answer =
      filter === undefined
        ? await this.#client.call(getPublicRooms, server, { query: asked }, FOR_A_USER)
        : await this.#client.call(queryPublicRooms, server, { body: { ...asked, filter } }, FOR_A_USER)
    return { ...answer }
  }

  async query(userId: UserId, field?: string): Promise<JsonObject> {
    const query = { user_id: userId, ...(field !== undefined && { field }) }
    return this.#client.call(queryProfile, serverOf(userId), { query }, FOR_A_USER)
  }
}
