import { parseJson } from '../core/json-text.ts'
import { isJsonObject, type Json, type JsonObject } from '../../schemas/json.ts'
import type { Pdu } from '../protocol/event.ts'
import type { ClientEvents, Reader } from '../rooms/client-events.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { SyncFilter } from './filter.ts'

/** Gives events as other servers get them: signed, and redacted where they are. */
export interface PduSource {
  /** The PDUs of a set of nids, in the same order. */
  ofNids(nids: readonly number[]): Promise<Pdu[]>
}

export interface EventTextsParts {
  pdus: PduSource
  clientEvents: Pick<ClientEvents, 'texts'>
}

/** Events as a filter wants them: in the form for clients or that of other servers, whole or some of their members. */
export class EventTexts {
  readonly #parts: EventTextsParts

  constructor(parts: EventTextsParts) {
    this.#parts = parts
  }

  /** The events as the members of a JSON array. */
  async of(events: readonly StoredEvent[], reader: Reader, { format, fields }: SyncFilter): Promise<string> {
    if (events.length === 0) return ''
    const texts =
      format === 'federation'
        ? await this.#federation(events)
        : await this.#parts.clientEvents.texts(events, reader, { withRoomId: false })
    if (!fields) return texts.join(',')
    return texts.map((text) => JSON.stringify(withFields(parseJson(text) as JsonObject, fields))).join(',')
  }

  async #federation(events: readonly StoredEvent[]): Promise<string[]> {
    const pdus = await this.#parts.pdus.ofNids(events.map(({ nid }) => nid))
    return events.map(({ eventId, room }, index) => JSON.stringify({ ...pdus[index], event_id: eventId, room_id: room.roomId }))
  }
}

/**
 * The members of an event that a filter lists, by dot-separated paths.
 * https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths
 */
function withFields(event: JsonObject, fields: readonly string[]): JsonObject {
  const kept: JsonObject = {}
  for (const field of fields) keep(event, kept, pathOf(field))
  return kept
}

/** A backslash takes a dot, or another backslash, its meaning. */
function pathOf(field: string): string[] {
  return (field.match(/(?:\\.|[^.\\])+/gs) ?? []).map((name) => name.replaceAll(/\\([.\\])/g, '$1'))
}

function keep(from: JsonObject, to: JsonObject, [name, ...rest]: readonly string[]): void {
  if (name === undefined || !Object.hasOwn(from, name)) return
  const value = from[name] as Json
  if (rest.length === 0) define(to, name, value)
  else if (isJsonObject(value)) {
    const below = Object.hasOwn(to, name) ? to[name] : undefined
    const inner = isJsonObject(below) ? below : {}
    if (inner !== below) define(to, name, inner)
    keep(value, inner, rest)
  }
}

/** Assigning to `__proto__` would not make a member. */
function define(object: JsonObject, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}
