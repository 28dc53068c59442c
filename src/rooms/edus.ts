import type { JsonObject } from '../../schemas/json.ts'
import type { Room } from '../storage/rooms.ts'

/**
 * Port to the other servers of a room for what is not an event: typing and receipts. Best effort and without an answer.
 * https://spec.matrix.org/v1.19/server-server-api/#edus
 */
export interface EduSender {
  send(room: Room, type: string, content: JsonObject): void
}
