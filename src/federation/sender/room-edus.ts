import type { ServerName } from '../../../schemas/ids.ts'
import { isJsonObject, type JsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import type { EduSender } from '../../rooms/edus.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Room } from '../../storage/rooms.ts'
import type { FederationSender } from './worker.ts'

export interface RoomEduSenderParts {
  serverName: ServerName
  memberships: Memberships
  federationSender: Pick<FederationSender, 'sendEphemeral'>
}

/** Typing notifications and receipts for the other servers of a room. */
export class RoomEduSender implements EduSender {
  readonly #parts: RoomEduSenderParts

  constructor(parts: RoomEduSenderParts) {
    this.#parts = parts
  }

  send(room: Room, type: string, content: JsonObject): void {
    const { memberships, serverName, federationSender } = this.#parts
    const deliver = async () => {
      const { servers } = await memberships.members(room.nid)
      const others = [...servers.keys()].filter((server) => server !== serverName)
      federationSender.sendEphemeral(others, `${type} ${room.roomId} ${aboutOf(content)}`, { edu_type: type, content })
    }
    // Best effort: who is in the room is not to be had only where the database fails, which others notice.
    deliver().catch(() => {})
  }
}

/** Of two with the same text only the later matters: whose typing it is, or whose receipt in which thread. */
function aboutOf(content: JsonObject): string {
  const typing = stringAt(content, 'user_id')
  if (typing !== undefined) return typing
  const [byType] = Object.values(content)
  const receipts = isJsonObject(byType) ? (objectAt(byType, 'm.read') ?? {}) : {}
  return Object.entries(receipts)
    .map(
      ([user, receipt]) =>
        `${user} ${isJsonObject(receipt) ? (stringAt(objectAt(receipt, 'data') ?? {}, 'thread_id') ?? '') : ''}`,
    )
    .join(' ')
}
