import type { EventId, ServerName } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { backfillRoom, getMissingPreviousEvents } from '../../../schemas/server/backfill.ts'
import { getEventAuth } from '../../../schemas/server/event-auth.ts'
import { getEvent, getRoomStateIds } from '../../../schemas/server/events.ts'
import { Limiter } from '../../core/limiter.ts'
import type { Logger } from '../../core/logger.ts'
import type { Event } from '../../protocol/event.ts'
import type { RemoteHistory, RoomReference } from '../../rooms/remote-history.ts'
import type { FederationClient } from '../client.ts'
import { FederationError } from '../errors.ts'
import type { PduChecks } from '../pdus.ts'

export interface FederationHistoryParts {
  client: Pick<FederationClient, 'call'>
  pduChecks: PduChecks
  log: Logger
}

/** An event takes up to 64 KB, and something around it. */
const EVENT_BYTES = 66_000
/** Ids of the state of a large room, and its auth chain. */
const STATE_IDS = { maxBytes: 16 * 1024 * 1024, timeoutMs: 60_000 }
const AUTH_CHAIN = { maxBytes: 64 * 1024 * 1024, timeoutMs: 60_000 }
/** Single events that are asked for at once. */
const EVENTS_AT_ONCE = 8

/** The past of rooms, as other servers tell it. */
export class FederationHistory implements RemoteHistory {
  readonly #parts: FederationHistoryParts

  constructor(parts: FederationHistoryParts) {
    this.#parts = parts
  }

  async missingEvents(
    server: ServerName,
    room: RoomReference,
    range: { earliest: readonly EventId[]; latest: readonly EventId[]; limit: number; minDepth: number },
    signal?: AbortSignal,
  ): Promise<Event[] | undefined> {
    const body = {
      limit: range.limit,
      min_depth: range.minDepth,
      earliest_events: [...range.earliest],
      latest_events: [...range.latest],
    }
    const input = { params: { roomId: room.roomId }, body }
    const options = { maxBytes: range.limit * EVENT_BYTES, ...(signal && { signal }) }
    const answer = await this.#ask(server, () => this.#parts.client.call(getMissingPreviousEvents, server, input, options))
    return answer && this.#events(answer.events.slice(0, range.limit), room)
  }

  async stateIds(
    server: ServerName,
    { roomId }: RoomReference,
    eventId: EventId,
    signal?: AbortSignal,
  ): Promise<{ state: EventId[]; authChain: EventId[] } | undefined> {
    const input = { params: { roomId }, query: { event_id: eventId } }
    const options = { ...STATE_IDS, ...(signal && { signal }) }
    const answer = await this.#ask(server, () => this.#parts.client.call(getRoomStateIds, server, input, options))
    return answer && { state: answer.pdu_ids, authChain: answer.auth_chain_ids }
  }

  async events(server: ServerName, room: RoomReference, eventIds: readonly EventId[], signal?: AbortSignal): Promise<Event[]> {
    const limiter = new Limiter(EVENTS_AT_ONCE)
    const options = { maxBytes: EVENT_BYTES, ...(signal && { signal }) }
    const fetchOne = async (eventId: EventId) =>
      signal?.aborted
        ? undefined
        : this.#ask(server, () => this.#parts.client.call(getEvent, server, { params: { eventId } }, options))
    const answers = await Promise.all(eventIds.map((eventId) => limiter.run(() => fetchOne(eventId))))
    const wanted = new Set(eventIds)
    const events = await this.#events(
      answers.flatMap((answer) => answer?.pdus.slice(0, 1) ?? []),
      room,
      true,
    )
    return events.filter(({ eventId }) => wanted.has(eventId))
  }

  async authChain(server: ServerName, room: RoomReference, eventId: EventId, signal?: AbortSignal): Promise<Event[] | undefined> {
    const input = { params: { roomId: room.roomId, eventId } }
    const options = { ...AUTH_CHAIN, ...(signal && { signal }) }
    const answer = await this.#ask(server, () => this.#parts.client.call(getEventAuth, server, input, options))
    return answer && this.#events(answer.auth_chain, room)
  }

  async backfill(server: ServerName, room: RoomReference, from: readonly EventId[], limit: number): Promise<Event[] | undefined> {
    const input = { params: { roomId: room.roomId }, query: { v: [...from], limit } }
    const options = { maxBytes: limit * EVENT_BYTES }
    const answer = await this.#ask(server, () => this.#parts.client.call(backfillRoom, server, input, options))
    const events = answer && (await this.#events(answer.pdus.slice(0, limit), room, true))
    return events?.sort((a, b) => b.depth - a.depth)
  }

  #events(pdus: readonly JsonObject[], room: RoomReference, unlimitedEdges = false): Promise<Event[]> {
    return this.#parts.pduChecks.events(pdus, room, { unlimitedEdges })
  }

  /** The answer; undefined where the server gives none. */
  async #ask<T>(server: ServerName, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call()
    } catch (cause) {
      if (!(cause instanceof FederationError)) throw cause
      this.#parts.log.debug({ server, failure: cause.failure, detail: cause.detail }, "A server did not tell of a room's past")
      return undefined
    }
  }
}
