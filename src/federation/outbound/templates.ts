/** Member events of our users, made from the templates that servers in a room give. */
import type { EventId, RoomId, ServerName, UserId } from '../../../schemas/ids.ts'
import { type JsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import type { Clock } from '../../core/clock.ts'
import { randomLetters } from '../../core/random.ts'
import { parseEvent } from '../../protocol/event-format.ts'
import type { Event } from '../../protocol/event.ts'
import { type RoomRules, roomRules } from '../../protocol/room-versions.ts'
import { type SigningKey, signEvent } from '../../protocol/signing.ts'
import { FederationError } from '../errors.ts'

export interface TemplatesParts {
  serverName: ServerName
  signingKey: SigningKey
  clock: Clock
}

/** What a server has answered to make_join, make_leave or make_knock. */
export interface Template {
  readonly event: JsonObject
  /** If not provided, the room version is assumed to be either "1" or "2": their events have the same form. */
  readonly room_version?: string
}

/** What the member event has to be. */
export interface Wanted {
  readonly roomId: RoomId
  readonly userId: UserId
  readonly membership: 'join' | 'leave' | 'knock'
  /** The content, beside the membership. */
  readonly content: JsonObject
}

export class Templates {
  readonly #parts: TemplatesParts

  constructor(parts: TemplatesParts) {
    this.#parts = parts
  }

  /** The event, signed. @throws {FederationError} where the template is not for what we want to do, or of no use */
  fill(server: ServerName, { event: template, room_version: version = '1' }: Template, wanted: Wanted): Event {
    const rules = roomRules(version)
    if (!rules) throw malformed(server, `the room has the unknown version ${version}`)
    const misfit = misfitOf(template, wanted)
    if (misfit !== undefined) throw malformed(server, `the template's ${misfit} is not what was asked for`)
    const { serverName, signingKey } = this.#parts
    const parsed = parseEvent(signEvent(this.#pdu(template, wanted, rules), rules, serverName, signingKey), rules)
    if ('refused' in parsed) throw malformed(server, `the template cannot be used: ${parsed.refused}`)
    return parsed.event
  }

  #pdu(template: JsonObject, { roomId, userId, membership, content }: Wanted, rules: RoomRules): JsonObject {
    const { auth_events: authEvents = [], prev_events: prevEvents = [], depth = 0 } = template
    const authoriser = stringAt(objectAt(template, 'content') ?? {}, 'join_authorised_via_users_server')
    const authorised = membership === 'join' && authoriser !== undefined
    const pdu: JsonObject = {
      type: 'm.room.member',
      room_id: roomId,
      sender: userId,
      state_key: userId,
      content: { ...content, ...(authorised && { join_authorised_via_users_server: authoriser }), membership },
      origin_server_ts: this.#parts.clock.now(),
      auth_events: authEvents,
      prev_events: prevEvents,
      depth,
    }
    if (rules.eventIdFormat === 'chosen') pdu['event_id'] = `$${randomLetters(18)}:${this.#parts.serverName}` as EventId
    return pdu
  }
}

/** The member of the template that is not what was asked for, if any. */
function misfitOf(template: JsonObject, { roomId, userId, membership }: Wanted): string | undefined {
  const expected = { type: 'm.room.member', room_id: roomId, sender: userId, state_key: userId }
  const misfit = Object.entries(expected).find(([key, value]) => template[key] !== value)
  if (misfit) return misfit[0]
  return stringAt(objectAt(template, 'content') ?? {}, 'membership') === membership ? undefined : 'membership'
}

export function malformed(server: ServerName, detail: string): FederationError {
  return new FederationError(server, 'malformed', detail)
}
