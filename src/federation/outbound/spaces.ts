import type { RoomId, ServerName } from '../../../schemas/ids.ts'
import { getSpaceHierarchy } from '../../../schemas/server/space-hierarchy.ts'
import type { RemoteSpace, RemoteSpaces } from '../../rooms/spaces.ts'
import { FOR_A_USER, type FederationClient } from '../client.ts'
import { FederationError } from '../errors.ts'

/** How many servers are asked about one room, and for how long each. */
const MAX_SERVERS = 3
const TIMEOUT_MS = 10_000

export class OutboundSpaces implements RemoteSpaces {
  readonly #client: Pick<FederationClient, 'call'>

  constructor(client: Pick<FederationClient, 'call'>) {
    this.#client = client
  }

  async space(servers: readonly ServerName[], roomId: RoomId, suggestedOnly: boolean): Promise<RemoteSpace | undefined> {
    const input = { params: { roomId }, query: { suggested_only: suggestedOnly } }
    for (const server of servers.slice(0, MAX_SERVERS)) {
      try {
        const { room, children } = await this.#client.call(getSpaceHierarchy, server, input, {
          ...FOR_A_USER,
          timeoutMs: TIMEOUT_MS,
        })
        return { room, children }
      } catch (cause) {
        // What one server does not tell the next one may.
        if (!(cause instanceof FederationError)) throw cause
      }
    }
    return undefined
  }
}
