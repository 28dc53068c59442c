import type { EventId, RoomId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { RoomRules } from './room-versions.ts'

/** A PDU as it goes over the wire: the JSON object, `hashes`, `signatures` and unknown keys included. */
export type Pdu = JsonObject

/**
 * An event of a room in memory: the members that the server works with, read once out of its PDU.
 * `content`, `unsigned` and `pdu` are shared and must not be changed by anybody.
 */
export interface Event {
  readonly eventId: EventId
  /** For an `m.room.create` of room version 12 and later this is derived from the event id: its PDU has no `room_id`. */
  readonly roomId: RoomId
  readonly type: string
  /** Undefined for what is not a state event. */
  readonly stateKey: string | undefined
  readonly sender: UserId
  readonly content: JsonObject
  /** Milliseconds since the Unix epoch, as the sender's server claims. */
  readonly originServerTs: number
  readonly depth: number
  readonly prevEvents: readonly EventId[]
  readonly authEvents: readonly EventId[]
  /** The target of an `m.room.redaction`, from `redacts` or, since room version 11, from the content. */
  readonly redacts: EventId | undefined
  readonly rules: RoomRules
  readonly pdu: Pdu
  /** Of an event off the wire: what is wrong with the signature of the server that must authorise it, a restricted join. */
  readonly unauthorised?: string
}

/** An event as the authorisation rules and state resolution see it: of an `m.room.create` they want the PDU, too. */
export type CheckedEvent = Omit<Event, 'pdu'> & Partial<Pick<Event, 'pdu'>>

/** What identifies a piece of room state. */
export interface StateKey {
  readonly type: string
  readonly stateKey: string
}

/** Gives the state event for a (type, state key), where there is one. */
export type StateLookup = (type: string, stateKey: string) => CheckedEvent | undefined

export type { EventId, RoomId, ServerName, UserId }
