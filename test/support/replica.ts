/** Servers reduced to what decides about events: storage, sending, receipt, and the past of rooms as they tell it to one another. */
import assert from 'node:assert/strict'
import type { EventId, RoomId, ServerName, UserId } from '../../schemas/ids.ts'
import { createReceipt, createRoomCore, type RoomCore } from '../../src/app/rooms.ts'
import { openStorage, type Storage } from '../../src/app/storage.ts'
import type { Event } from '../../src/protocol/event.ts'
import { stateMapKey } from '../../src/protocol/state-map.ts'
import { RoomCreation } from '../../src/rooms/create.ts'
import type { GapLimits } from '../../src/rooms/gap-budget.ts'
import type { StateDraft } from '../../src/rooms/initial-events.ts'
import type { Invites } from '../../src/rooms/membership/invite.ts'
import type { EventReceiver, Verdict } from '../../src/rooms/receive.ts'
import type { RemoteHistory, RoomReference } from '../../src/rooms/remote-history.ts'
import type { Draft } from '../../src/rooms/send.ts'
import type { Room } from '../../src/storage/rooms.ts'
import { Standing, type StoredEvent } from '../../src/storage/stored-event.ts'
import { rulesOf } from './dag.ts'
import { FakeClock } from './clock.ts'
import { NO_POLICY_SIGNER } from './no-policy-signer.ts'

/** The servers that a replica can reach at the moment. */
export type Reachable = (from: ServerName, to: ServerName) => Replica | undefined

export class Replica implements AsyncDisposable {
  readonly name: ServerName
  readonly clock: FakeClock
  readonly storage: Storage
  readonly core: RoomCore
  readonly receiver: EventReceiver
  readonly #creation: RoomCreation

  /** @param options where its database is, if not in memory; how it hears of the past, if not from those it can reach */
  constructor(
    name: string,
    reachable: Reachable = () => undefined,
    clock = new FakeClock(),
    options: { file?: string; history?: RemoteHistory; limits?: GapLimits } = {},
  ) {
    this.name = name as ServerName
    this.clock = clock
    this.storage = openStorage(options.file ?? ':memory:', 'OFF')
    this.core = createRoomCore(this.name, clock, this.storage, NO_POLICY_SIGNER)
    const history = options.history ?? new ToldHistory(this.name, reachable)
    this.receiver = createReceipt(clock, this.storage, this.core, history, options.limits).receiver
    this.#creation = new RoomCreation({
      ...this.storage,
      ...this.core,
      serverName: this.name,
      clock,
      invites: {} as Invites,
      profileFields: { ofUser: async () => undefined },
      defaultVersion: '11',
      allowPublication: true,
    })
  }

  /** Makes a room of `creator`, who is in it, with these events. */
  create(version: string, creator: UserId, events: readonly StateDraft[]): Promise<Room> {
    const rules = rulesOf(version)
    const isNamed = rules.auth.creatorInContent ? { creator } : {}
    return this.#creation.make({
      creator: { userId: creator, userNid: 0 },
      rules,
      ...(!rules.roomIdIsCreateHash && { roomId: this.#creation.newRoomId() }),
      createContent: { room_version: version, ...isNamed },
      events,
      published: false,
    })
  }

  /** Takes in a room as it is at the single end that it has on another server. */
  async enter(from: Replica, roomId: RoomId): Promise<Room> {
    const { storage, core } = this
    const theirs = await from.room(roomId)
    const end = (await from.core.heads.get(theirs)).extremities[0] ?? assert.fail('an empty room')
    const last = await from.storage.events.get(end.nid)
    const before = await from.core.states.all(last.stateBefore)
    const chain = await from.authChain(before.map(({ eventId }) => eventId))
    const room = storage.rooms.draw(roomId, theirs.rules)
    await storage.db.write((batch) => storage.rooms.add(batch, room), room.nid)
    await core.outliers.admit(room, [...chain, ...(await from.events(before.map(({ eventId }) => eventId)))])
    const here = await storage.events.byIds(before.map(({ eventId }) => eventId))
    const change = await storage.maps.change(0, new Map([...here.values()].map(({ kindNid, nid }) => [kindNid, nid])))
    await storage.db.write((batch) => storage.maps.write(batch, change), room.nid)
    const event = await from.storage.events.pdu(end.nid)
    await (await core.heads.locked(roomId, () => core.writer.enter(room, event, change.root))).written
    return room
  }

  async room(roomId: RoomId): Promise<Room> {
    return (await this.storage.rooms.find(roomId)) ?? assert.fail(`${this.name} does not know ${roomId}`)
  }

  /** Sends an event of whoever it is; the PDU goes to the others as it is here. Throws M_FORBIDDEN. */
  async send(roomId: RoomId, draft: Draft): Promise<Event> {
    const stored = await this.core.sender.send(await this.room(roomId), draft)
    return this.storage.events.pdu(stored.nid)
  }

  async receive(from: Replica, roomId: RoomId, events: readonly Event[]): Promise<Verdict[]> {
    return this.receiver.receive(from.name, await this.room(roomId), events)
  }

  /** The current state of a room by (type, state key). */
  async currentState(roomId: RoomId): Promise<Map<string, EventId>> {
    return this.stateAt((await this.core.heads.get(await this.room(roomId))).stateRoot)
  }

  async stateAt(root: number): Promise<Map<string, EventId>> {
    const state = await this.core.states.all(root)
    return new Map(state.map((event) => [stateMapKey(event.type, event.stateKey ?? ''), event.eventId] as const).sort())
  }

  async stored(eventIds: readonly EventId[]): Promise<Map<EventId, StoredEvent>> {
    return this.storage.events.byIds(eventIds)
  }

  async events(eventIds: readonly EventId[]): Promise<Event[]> {
    const { events } = this.storage
    return [...(await events.pdus((await events.nids(eventIds)).values())).values()]
  }

  /** The events that some are authorised by, and what authorises those. */
  async authChain(eventIds: readonly EventId[]): Promise<Event[]> {
    const chain = new Map<EventId, Event>()
    for (let frontier = await this.events(eventIds); frontier.length > 0; ) {
      const cited = new Set(frontier.flatMap(({ authEvents }) => authEvents).filter((eventId) => !chain.has(eventId)))
      frontier = await this.events([...cited])
      for (const event of frontier) chain.set(event.eventId, event)
    }
    return [...chain.values()]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.storage.db[Symbol.asyncDispose]()
  }
}

/** What other replicas tell, read straight from their storage. */
class ToldHistory implements RemoteHistory {
  readonly #name: ServerName
  readonly #reachable: Reachable

  constructor(name: ServerName, reachable: Reachable) {
    this.#name = name
    this.#reachable = reachable
  }

  async missingEvents(
    server: ServerName,
    _room: RoomReference,
    { earliest, latest, limit }: { earliest: readonly EventId[]; latest: readonly EventId[]; limit: number },
  ): Promise<Event[] | undefined> {
    const peer = this.#reachable(this.#name, server)
    if (!peer) return undefined
    const seen = new Set([...earliest, ...latest])
    const found: Event[] = []
    for (let frontier = await placed(peer, latest); frontier.length > 0 && found.length < limit; ) {
      const before = new Set(frontier.flatMap(({ prevEvents }) => prevEvents).filter((eventId) => !seen.has(eventId)))
      for (const eventId of before) seen.add(eventId)
      frontier = await placed(peer, [...before])
      found.push(...frontier)
    }
    return found.slice(0, limit)
  }

  async stateIds(server: ServerName, _room: RoomReference, eventId: EventId) {
    const peer = this.#reachable(this.#name, server)
    const event = await peer?.storage.events.byId(eventId)
    if (!peer || !event || event.standing === Standing.outlier || event.isRejected) return undefined
    const state = (await peer.core.states.all(event.stateBefore)).map((stateEvent) => stateEvent.eventId)
    return { state, authChain: (await peer.authChain(state)).map((authEvent) => authEvent.eventId) }
  }

  async events(server: ServerName, _room: RoomReference, eventIds: readonly EventId[]): Promise<Event[]> {
    return (await this.#reachable(this.#name, server)?.events(eventIds)) ?? []
  }

  async authChain(server: ServerName, _room: RoomReference, eventId: EventId): Promise<Event[] | undefined> {
    const peer = this.#reachable(this.#name, server)
    const chain = (await peer?.authChain([eventId])) ?? []
    const stored = await peer?.stored(chain.map((event) => event.eventId))
    return stored && chain.filter((event) => !stored.get(event.eventId)?.isRejected)
  }

  async backfill(): Promise<undefined> {
    return undefined
  }
}

/** Those of the events that have a place in the room on a server. */
async function placed(peer: Replica, eventIds: readonly EventId[]): Promise<Event[]> {
  const stored = [...(await peer.stored(eventIds)).values()]
  const kept = stored.filter((event) => event.standing !== Standing.outlier && !event.isRejected)
  return peer.events(kept.map(({ eventId }) => eventId))
}
