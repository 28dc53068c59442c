/** https://spec.matrix.org/v1.19/server-server-api/#joining-rooms, seen from the user who joins. */
import type { EventId, RoomId, ServerName } from '../../../schemas/ids.ts'
import { isJsonObject, type JsonObject, stringAt } from '../../../schemas/json.ts'
import { makeJoin, sendJoinV1 } from '../../../schemas/server/joins-v1.ts'
import { sendJoinV2 } from '../../../schemas/server/joins-v2.ts'
import { KeyedQueue } from '../../core/keyed-queue.ts'
import { slicesOf } from '../../core/slices.ts'
import type { Event } from '../../protocol/event.ts'
import { knownRoomVersions } from '../../protocol/room-versions.ts'
import { allowedIn } from '../../rooms/allowed.ts'
import type { RoomHeads } from '../../rooms/heads.ts'
import type { Outliers } from '../../rooms/outliers.ts'
import type { EventWriter } from '../../rooms/persist.ts'
import type { EventReceiver } from '../../rooms/receive.ts'
import type { RemoteMembership } from '../../rooms/remote.ts'
import { isResident } from '../../rooms/residence.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { Database } from '../../storage/database.ts'
import type { Events } from '../../storage/events.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { RemoteDevicesTable } from '../../storage/remote-devices.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { StateMaps } from '../../storage/state.ts'
import { isStateOf } from '../../storage/stored-event.ts'
import { FOR_A_USER, type FederationClient } from '../client.ts'
import type { PduChecks } from '../pdus.ts'
import { inTurn, lacksEndpoint } from './in-turn.ts'
import { malformed, type Templates } from './templates.ts'

export interface OutboundJoinsParts {
  serverName: ServerName
  db: Database
  rooms: Rooms
  events: Events
  maps: StateMaps
  memberships: Memberships
  remoteDevices: Pick<RemoteDevicesTable, 'markRoomStale'>
  heads: RoomHeads
  states: RoomStates
  writer: EventWriter
  outliers: Outliers
  receiver: Pick<EventReceiver, 'receive'>
  client: Pick<FederationClient, 'call'>
  pduChecks: PduChecks
  templates: Templates
}

/** What a server in the room has answered to send_join. */
interface Entrance {
  readonly state: readonly JsonObject[]
  readonly authChain: readonly JsonObject[]
  /** Our event with the signature of who has authorised it, in a restricted room. */
  readonly event: JsonObject | undefined
}

/** The state of a large room takes its time. */
const LARGE = { ...FOR_A_USER, maxBytes: 256 * 1024 * 1024, timeoutMs: 180_000 }
const PART = 500

export class OutboundJoins {
  readonly #parts: OutboundJoinsParts
  readonly #joining = new KeyedQueue<RoomId>()

  constructor(parts: OutboundJoinsParts) {
    this.#parts = parts
  }

  /** As `RemoteRooms.join`. */
  join(membership: RemoteMembership): Promise<void> {
    return this.#joining.run(membership.roomId, () => inTurn(membership.via, (server) => this.#joinThrough(server, membership)))
  }

  /** Resolves when nobody of ours is on the way into the room: its events may come before the answer to send_join. */
  async settled(roomId: RoomId): Promise<void> {
    await this.#joining.run(roomId, () => Promise.resolve())
  }

  async #joinThrough(server: ServerName, { roomId, userId, content }: RemoteMembership): Promise<void> {
    const { client, templates, rooms, receiver } = this.#parts
    const input = { params: { roomId, userId }, query: { ver: [...knownRoomVersions] } }
    const template = await client.call(makeJoin, server, input, FOR_A_USER)
    const event = templates.fill(server, template, { roomId, userId, membership: 'join', content })
    const room = await rooms.find(roomId)
    if (room && room.rules.version !== event.rules.version) throw malformed(server, 'it gives the room another version')
    const entrance = await this.#send(server, event)
    const join = await this.#asReturned(server, event, entrance.event)
    if (!room || !(await isResident(this.#parts, room))) return this.#enter(server, join, entrance)
    const [verdict] = await receiver.receive(server, room, [join])
    if (verdict?.kind !== 'accepted' && verdict?.kind !== 'known') throw malformed(server, `our join is ${verdict?.kind}`)
  }

  async #send(server: ServerName, { eventId, roomId, pdu }: Event): Promise<Entrance> {
    const { client } = this.#parts
    const input = { params: { roomId, eventId }, body: pdu }
    try {
      const answer = await client.call(sendJoinV2, server, input, LARGE)
      return { state: answer.state, authChain: answer.auth_chain, event: answer.event }
    } catch (cause) {
      if (!lacksEndpoint(cause)) throw cause
      const [, answer] = await client.call(sendJoinV1, server, input, LARGE)
      if (!isJsonObject(answer)) throw malformed(server, 'its answer to send_join (v1) is not a pair')
      const { state, auth_chain: authChain } = answer
      return { state: objectsOf(state), authChain: objectsOf(authChain), event: undefined }
    }
  }

  /** Our event as it is part of the room: the servers of a restricted room know it with one more signature. */
  async #asReturned(server: ServerName, event: Event, returned: JsonObject | undefined): Promise<Event> {
    const isAuthorised = Object.hasOwn(event.content, 'join_authorised_via_users_server')
    if (!isAuthorised) return event
    const [checked] = await this.#parts.pduChecks.events([returned ?? event.pdu], event)
    if (checked?.eventId !== event.eventId || checked.unauthorised !== undefined)
      throw malformed(server, 'the join is not signed by the server of who authorises it')
    return checked
  }

  /** Takes the room in as it was before the join, then the join. */
  async #enter(server: ServerName, join: Event, { state, authChain }: Entrance): Promise<void> {
    const { pduChecks, outliers, states, writer, heads, remoteDevices } = this.#parts
    const stateEvents = await pduChecks.events(state, join)
    const chainEvents = await pduChecks.events(authChain, join)
    const create = stateEvents.find(({ type, stateKey }) => type === 'm.room.create' && stateKey === '')
    const version = create && (stringAt(create.content, 'room_version') ?? '1')
    if (version !== join.rules.version) throw malformed(server, 'the create event is missing or of another room version')
    const room = await this.#room(join)
    await outliers.admit(room, [...chainEvents, ...stateEvents])
    // An event is kept only after its auth events: the walks along auth chains rely on it.
    const { missing } = await outliers.authOf(join)
    if (missing.length > 0) throw malformed(server, `the auth event ${missing[0]} of the join is not to be had`)
    const root = await this.#stateRoot(
      room,
      stateEvents.map(({ eventId }) => eventId),
    )
    const verdict = await allowedIn(states, root, join)
    if (!verdict.allowed) throw malformed(server, `the state that it gives does not allow the join: ${verdict.why}`)
    const { written } = await heads.locked(room.roomId, () =>
      writer.enter(room, join, root, {
        // While nobody of ours was in the room, nobody told us of changes: from the join on, old lists of devices are not used.
        also: (batch) => remoteDevices.markRoomStale(batch, room.nid),
      }),
    )
    await written
  }

  async #room({ roomId, rules }: Event): Promise<Room> {
    const { db, rooms, heads } = this.#parts
    const { room, written } = await heads.locked(roomId, async () => {
      const known = await rooms.find(roomId)
      if (known) return { room: known, written: Promise.resolve() }
      const drawn = rooms.draw(roomId, rules)
      return { room: drawn, written: db.write((batch) => rooms.add(batch, drawn), drawn.nid) }
    })
    await written
    return room
  }

  /** The root of the state that the events are. */
  async #stateRoot(room: Room, eventIds: readonly EventId[]): Promise<number> {
    const { db, events, maps } = this.#parts
    const state = new Map<number, number>()
    for await (const part of slicesOf(eventIds, PART)) {
      for (const event of (await events.byIds(part)).values()) if (isStateOf(event, room)) state.set(event.kindNid, event.nid)
    }
    const change = await maps.change(0, state)
    await db.write((batch) => maps.write(batch, change), room.nid)
    return change.root
  }
}

function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
