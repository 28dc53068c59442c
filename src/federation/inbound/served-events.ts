/** Events as other servers are shown them. */
import { type EventId, serverOf, type ServerName, type UserId } from '../../../schemas/ids.ts'
import { stringAt } from '../../../schemas/json.ts'
import { slicesOf } from '../../core/slices.ts'
import { createEventIdOf } from '../../protocol/event-auth/index.ts'
import type { Event, Pdu } from '../../protocol/event.ts'
import { historyVisibilityOf, mayServerSee, type ServerSight } from '../../protocol/history-visibility.ts'
import { redact } from '../../protocol/redaction.ts'
import type { Erasures } from '../../rooms/erasures.ts'
import type { RoomStates } from '../../rooms/state.ts'
import { strippedStateKeys, strippedStateKeysOf } from '../../rooms/stripped-state.ts'
import type { Events } from '../../storage/events.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Names } from '../../storage/names.ts'
import type { Room } from '../../storage/rooms.ts'
import type { SignedPdus } from '../sender/signed-pdus.ts'

export interface ServedEventsParts {
  events: Events
  names: Names
  memberships: Memberships
  states: RoomStates
  erasures: Pick<Erasures, 'hiddenFrom'>
  signedPdus: SignedPdus
}

/** Events that are read or written between two turns of the event loop. */
const SLICE = 100

export class ServedEvents {
  readonly #parts: ServedEventsParts

  constructor(parts: ServedEventsParts) {
    this.#parts = parts
  }

  /** The PDUs of a set of nids, in the same order. */
  whole(nids: readonly number[]): Promise<Pdu[]> {
    return this.#parts.signedPdus.ofNids(nids)
  }

  /** The PDUs of a set of nids as JSON text, in the same order. */
  async texts(nids: readonly number[]): Promise<string[]> {
    const texts: string[] = []
    for await (const slice of slicesOf(nids, SLICE))
      for (const pdu of await this.#parts.signedPdus.ofNids(slice)) texts.push(JSON.stringify(pdu))
    return texts
  }

  /** The nids of the auth chain of some events, without those that were rejected. */
  async authChain(nids: readonly number[]): Promise<number[]> {
    const { events } = this.#parts
    const chain = new Set<number>()
    let frontier = nids
    while (frontier.length > 0) {
      const cited = new Set<EventId>()
      for await (const slice of slicesOf(frontier, SLICE))
        for (const event of (await events.pdus(slice)).values()) for (const eventId of citedBy(event)) cited.add(eventId)
      frontier = [...(await events.nids(cited)).values()].filter((nid) => !chain.has(nid))
      for (const nid of frontier) chain.add(nid)
    }
    const stored = await events.byNids(chain)
    return [...chain].filter((nid) => !stored.get(nid)?.isRejected)
  }

  /** Events of a room as a server may have them: whole, or redacted where none of its users may see them, or their senders had them erased. */
  async visible(origin: ServerName, room: Room, nids: readonly number[]): Promise<Pdu[]> {
    const { events, signedPdus, memberships, erasures } = this.#parts
    const isInRoom = (await memberships.members(room.nid)).servers.has(origin)
    const sights = new Map<number, ServerSight>()
    const stored = await events.byNids(nids)
    const hidden = await erasures.hiddenFrom(() => this.#usersOf(origin, room), [...stored.values()])
    const whole = await events.pdus(nids)
    const pdus = await signedPdus.ofNids([...whole.keys()])
    const shown: Pdu[] = []
    for (const [index, [nid, event]] of [...whole].entries()) {
      const pdu = pdus[index] ?? {}
      const kept = stored.get(nid)
      const root = kept?.stateBefore ?? 0
      const sight = sights.get(root) ?? (await this.#sight(origin, room, root, isInRoom))
      sights.set(root, sight)
      const isWhole = mayServerSee(event, origin, sight) && !(kept && hidden.has(kept))
      shown.push(isWhole ? pdu : redact(pdu, room.rules.redaction))
    }
    return shown
  }

  /** What tells about a room to those who are invited (by `inviter`), or knock, from outside: whole PDUs. */
  async strippedState(root: number, inviter?: UserId): Promise<Pdu[]> {
    const keys = inviter === undefined ? strippedStateKeys : strippedStateKeysOf(inviter)
    return this.#parts.signedPdus.ofNids(await this.#parts.states.nids(root, keys))
  }

  async #sight(origin: ServerName, room: Room, root: number, isInRoom: boolean): Promise<ServerSight> {
    const { states } = this.#parts
    const visibility = historyVisibilityOf(await states.get(root, 'm.room.history_visibility'))
    if (visibility === 'world_readable' || (visibility === 'shared' && isInRoom))
      return { visibility, isInRoom, memberships: () => [] }
    const keys = (await this.#usersOf(origin, room)).map((stateKey) => ({ type: 'm.room.member', stateKey }))
    const members = (await states.many(root, keys)).map(({ content }) => stringAt(content, 'membership') ?? '')
    return { visibility, isInRoom, memberships: () => members }
  }

  /** All users of a server who ever had to do with the room. */
  async #usersOf(origin: ServerName, room: Room): Promise<UserId[]> {
    const records = await this.#parts.memberships.ofRoom(room.nid)
    const names = await this.#parts.names.namesOf(records.map(({ userNid }) => userNid))
    return [...names.values()].filter((name): name is UserId => serverOf(name) === origin)
  }
}

/** The auth events, and since room version 12 the create event, which the room id names instead. */
function citedBy(event: Event): EventId[] {
  const isCreate = event.type === 'm.room.create' && event.stateKey === ''
  return event.rules.roomIdIsCreateHash && !isCreate
    ? [createEventIdOf(event.roomId), ...event.authEvents]
    : [...event.authEvents]
}
