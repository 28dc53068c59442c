import { isDeepStrictEqual } from 'node:util'
import type { EventId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden } from '../core/errors.ts'
import { randomLetters } from '../core/random.ts'
import { authStateKeys } from '../protocol/auth-events.ts'
import { authorise, type Refusal } from '../protocol/event-auth/index.ts'
import type { Event } from '../protocol/event.ts'
import { buildEvent, type EventTemplate } from '../protocol/event-builder.ts'
import { referenceHash } from '../protocol/hashes.ts'
import { stateMapKey } from '../protocol/state-map.ts'
import type { ClientTransactions } from '../storage/client-transactions.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import { isPlaced, type StoredEvent } from '../storage/stored-event.ts'
import { allowedIn } from './allowed.ts'
import { MAX_PREV_EVENTS } from './ends.ts'
import type { ForwardExtremity, RoomHeads } from './heads.ts'
import type { EventWriter, Persisted, PersistOptions } from './persist.ts'
import type { PolicyServers } from './policy-servers.ts'
import type { StateResolver } from './resolve.ts'
import type { RoomStates } from './state.ts'

/** An event that one of our users wants in a room. */
export interface Draft {
  readonly sender: UserId
  readonly type: string
  readonly stateKey?: string
  readonly content: JsonObject
  /** The target of an `m.room.redaction`. */
  readonly redacts?: EventId
  /** Milliseconds since the epoch; now, unless an application service says otherwise. */
  readonly originServerTs?: number
  /** For how long it is to be sticky, in milliseconds. */
  readonly stickyMs?: number
}

/** The request that makes an event: repeated, it gives the same event. */
export interface Transaction {
  /** The device's nid. */
  readonly device: number
  /** Unique among the device's requests: endpoint and transaction id. */
  readonly id: string
}

export interface EventSenderParts {
  serverName: ServerName
  clock: Clock
  db: Database
  events: Events
  heads: RoomHeads
  states: RoomStates
  resolver: StateResolver
  writer: EventWriter
  policyServers: PolicyServers
  transactions: ClientTransactions
}

export interface SendOptions {
  readonly transaction?: Transaction | undefined
  /** What has to be done before the event is in the room, when nothing speaks against it any more. Under the room's lock. */
  readonly before?: () => Promise<void>
}

/** An event that is built on a room and authorised there, but not kept. */
export interface BuiltEvent {
  readonly event: Event
  /** Root of the state before it: where it is built on some of many ends, that is not the room's current state. */
  readonly stateRoot: number
}

/** An event that is being sent. */
export interface Sending {
  /**
   * To be called, once, when the room's lock is released. Resolves when the event is durable and visible.
   * @throws {MatrixError} what the room's policy server refuses with; M_FORBIDDEN where the room has changed meanwhile
   */
  finish(): Promise<StoredEvent>
}

/** Builds, authorises and queues the events of our own users. */
export class EventSender {
  readonly #parts: EventSenderParts

  constructor(parts: EventSenderParts) {
    this.#parts = parts
  }

  /**
   * Sends an event into a room; resolves when it is durable and visible.
   * @throws {MatrixError} M_FORBIDDEN with the rule that does not allow it, M_TOO_LARGE, M_BAD_JSON
   */
  async send(room: Room, draft: Draft, transaction?: Transaction): Promise<StoredEvent> {
    const sending = await this.#parts.heads.locked(room.roomId, () => this.begin(room, draft, transaction))
    return sending.finish()
  }

  /** The part of `send` that is done under the room's lock, for those who have more to do under it. */
  async begin(room: Room, draft: Draft, transaction?: Transaction): Promise<Sending> {
    const earlier = await this.#earlier(room, transaction)
    if (earlier) return sendingOf(earlier)
    const duplicate = await this.#sameState((await this.#parts.heads.get(room)).stateRoot, draft)
    if (duplicate) return sendingOf({ stored: duplicate, written: Promise.resolve() })
    return this.beginWith(room, await this.prepare(room, draft), { transaction })
  }

  /**
   * As `begin`, for an event that has just been built. Where a policy server has to sign it, the room goes on meanwhile, and
   * the event is added beside what has come to its end.
   */
  async beginWith(room: Room, built: BuiltEvent, options: SendOptions = {}): Promise<Sending> {
    const { policyServers, heads } = this.#parts
    if ((await policyServers.of(room, built.event)) === undefined) {
      await options.before?.()
      return sendingOf(await this.#accept(room, built, options.transaction, { isNew: true }))
    }
    return {
      finish: async () => {
        const event = await policyServers.signed(room, built.event)
        const persisted = await heads.locked(room.roomId, () => this.#acceptLater(room, { ...built, event }, options))
        return sendingOf(persisted).finish()
      },
    }
  }

  /** Queues an event of a room in the making, of which no policy server can know. Only under the room's lock. */
  async queue(room: Room, draft: Draft): Promise<Persisted> {
    const duplicate = await this.#sameState((await this.#parts.heads.get(room)).stateRoot, draft)
    if (duplicate) return { stored: duplicate, written: Promise.resolve() }
    return this.#accept(room, await this.prepare(room, draft), undefined, { isNew: true })
  }

  /** An event of ours, built on the end of the room as it is now: for handshakes with other servers. Only under the room's lock. */
  async build(room: Room, draft: Draft): Promise<Event> {
    return (await this.prepare(room, draft)).event
  }

  #accept(
    room: Room,
    { event, stateRoot }: BuiltEvent,
    transaction: Transaction | undefined,
    options: PersistOptions,
  ): Promise<Persisted> {
    const { writer, transactions } = this.#parts
    return writer.accept(room, event, stateRoot, {
      ...options,
      forward: true,
      also: (batch, stored) => {
        if (transaction) transactions.add(batch, transaction.device, transaction.id, stored.nid)
      },
    })
  }

  /** The room may have changed meanwhile; the request may have been repeated, and the policy server may have passed the event on. */
  async #acceptLater(room: Room, built: BuiltEvent, { transaction, before }: SendOptions): Promise<Persisted> {
    const { heads, states, events } = this.#parts
    const earlier = await this.#earlier(room, transaction)
    if (earlier) return earlier
    const existing = await events.byId(built.event.eventId)
    if (!isPlaced(existing, room)) {
      const { stateRoot } = await heads.get(room)
      const verdict = stateRoot === built.stateRoot ? undefined : await allowedIn(states, stateRoot, built.event)
      if (verdict?.allowed === false) throw refused(verdict)
    }
    await before?.()
    return isPlaced(existing, room) ? this.#onItsWay(room, existing) : this.#accept(room, built, transaction, {})
  }

  /** As `build`, with what is needed to add the event to the room. */
  async prepare(room: Room, draft: Draft): Promise<BuiltEvent> {
    const { heads, states, resolver } = this.#parts
    const { extremities, stateRoot: current } = await heads.get(room)
    const isCrowded = extremities.length > MAX_PREV_EVENTS
    const prev = isCrowded ? deepest(extremities) : extremities
    const roots = prev.map(({ stateAfter }) => stateAfter)
    const stateRoot = isCrowded ? await resolver.resolve(room, roots) : current
    const { events: authEvents, find } = await states.lookup(stateRoot, neededState(draft, room))
    const event = await this.#build(room, draft, prev, authEvents)
    const verdict = authorise(event, find)
    if (!verdict.allowed) throw refused(verdict)
    return { event, stateRoot }
  }

  /** What the same request has sent before. */
  async #earlier(room: Room, transaction: Transaction | undefined): Promise<Persisted | undefined> {
    const { transactions, events } = this.#parts
    const earlier = transaction && (await transactions.find(transaction.device, transaction.id))
    return earlier === undefined ? undefined : this.#onItsWay(room, await events.get(earlier))
  }

  /** An event that may still be on its way to the disk: an empty write of the same room is done after it, or fails with it. */
  #onItsWay(room: Room, stored: StoredEvent): Persisted {
    return { stored, written: this.#parts.db.write(() => {}, room.nid) }
  }

  /** State that is set to what it is already is not sent again, unless it is to be sticky from now on. */
  async #sameState(stateRoot: number, draft: Draft): Promise<StoredEvent | undefined> {
    const { type, stateKey, sender, content, stickyMs } = draft
    if (stateKey === undefined || stickyMs !== undefined) return undefined
    const current = await this.#parts.states.get(stateRoot, type, stateKey)
    return current && current.sender === sender && isDeepStrictEqual(current.content, content) ? current : undefined
  }

  async #build(room: Room, draft: Draft, prev: readonly ForwardExtremity[], state: readonly Event[]): Promise<Event> {
    const wanted = new Set(
      authStateKeys({ ...draft, stateKey: draft.stateKey }, room.rules).map(({ type, stateKey }) => stateMapKey(type, stateKey)),
    )
    const authEvents = state.filter((event) => wanted.has(stateMapKey(event.type, event.stateKey ?? '')))
    return buildEvent(
      {
        roomId: draft.type === 'm.room.create' && room.rules.roomIdIsCreateHash ? undefined : room.roomId,
        sender: draft.sender,
        type: draft.type,
        stateKey: draft.stateKey,
        content: draft.content,
        redacts: draft.redacts,
        stickyMs: draft.stickyMs,
        originServerTs: draft.originServerTs ?? this.#parts.clock.now(),
        depth: 1 + prev.reduce((depth, extremity) => Math.max(depth, extremity.depth), 0),
        prevEvents: prev.map(({ eventId }) => eventId),
        authEvents: authEvents.map(({ eventId }) => eventId),
        chosen: room.rules.eventIdFormat === 'chosen' ? await this.#chosenId(prev, authEvents) : undefined,
      },
      room.rules,
    )
  }

  /** In room versions 1 and 2 we choose the id, and cite events with their hashes. */
  async #chosenId(prev: readonly ForwardExtremity[], authEvents: readonly Event[]): Promise<EventTemplate['chosen']> {
    const cited = [...authEvents, ...(await this.#parts.events.pdus(prev.map(({ nid }) => nid))).values()]
    const hashes = new Map(cited.map((event) => [event.eventId, referenceHash(event.pdu, event.rules)]))
    return {
      eventId: `$${randomLetters(18)}:${this.#parts.serverName}` as EventId,
      referenceHashOf: (eventId) => hashes.get(eventId) ?? new Uint8Array(),
    }
  }
}

function sendingOf({ stored, written }: Persisted): Sending {
  return {
    finish: async () => {
      await written
      return stored
    },
  }
}

/** What authorising a draft may ask for: its auth events, and the create event where those do not name it. */
function neededState(draft: Draft, room: Room): { type: string; stateKey: string }[] {
  const keys = authStateKeys({ ...draft, stateKey: draft.stateKey }, room.rules)
  return room.rules.auth.createInAuthEvents ? keys : [{ type: 'm.room.create', stateKey: '' }, ...keys]
}

function deepest(extremities: readonly ForwardExtremity[]): ForwardExtremity[] {
  return [...extremities].sort((a, b) => b.depth - a.depth).slice(0, MAX_PREV_EVENTS)
}

function refused({ rule, why }: Refusal) {
  return forbidden(`${why} (${rule})`)
}
