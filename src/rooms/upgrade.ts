/** https://spec.matrix.org/v1.19/client-server-api/#room-upgrades */
import type { RoomId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { forbidden, MatrixError, notFound } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import { creatorsOf } from '../protocol/power-levels.ts'
import type { RoomRules } from '../protocol/room-versions.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { IdentifiedPlan, RoomCreation, RoomPlan } from './create.ts'
import type { RoomHeads } from './heads.ts'
import { assertJoined, assertNotSuspended } from './policy.ts'
import type { BuiltEvent, Draft, EventSender } from './send.ts'
import type { RoomStates } from './state.ts'
import type { RoomSuccession } from './succession.ts'
import { retiredLevels, successorEvents } from './successor-events.ts'

export interface RoomUpgradesParts {
  serverName: ServerName
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
  roomCreation: RoomCreation
  succession: RoomSuccession
}

interface Replacement {
  readonly plan: IdentifiedPlan
  /** The tombstone in the old room. */
  readonly end: BuiltEvent
}

export class RoomUpgrades {
  readonly #parts: RoomUpgradesParts

  constructor(parts: RoomUpgradesParts) {
    this.#parts = parts
  }

  /**
   * Replaces a room by one of another version.
   * @returns the id of the new room
   * @throws {MatrixError} M_UNSUPPORTED_ROOM_VERSION, M_NOT_FOUND, M_FORBIDDEN
   */
  async upgrade(requester: Requester, roomId: RoomId, version: string, additionalCreators: readonly UserId[]): Promise<RoomId> {
    assertNotSuspended(requester)
    const { rooms, memberships, heads, sender, roomCreation, succession } = this.#parts
    const rules = roomCreation.rulesOf(version)
    const old = await rooms.find(roomId)
    if (!old) throw notFound(`There is no room ${roomId}`)
    await assertJoined(memberships, old, requester.userNid)
    const made = Promise.withResolvers<Room>()
    const ending = await heads.locked(roomId, async () => {
      const { plan, end } = await this.#replacement(requester, old, rules, additionalCreators)
      // The old room stands still until it ends with the tombstone. To wait there for the new room to be written is no harm:
      // that is another room's chain, and upgrades are rare.
      return sender.beginWith(old, end, { before: async () => made.resolve(await roomCreation.make(plan)) })
    })
    await ending.finish()
    const room = await made.promise
    await succession.follow(requester, room)
    await this.#retire(requester, old)
    return room.roomId
  }

  async #replacement(
    requester: Requester,
    old: Room,
    rules: RoomRules,
    additionalCreators: readonly UserId[],
  ): Promise<Replacement> {
    const { heads, states, sender, roomCreation } = this.#parts
    const { stateRoot } = await heads.get(old)
    const levels = await states.powerLevels(stateRoot, old)
    if (levels.of(requester.userId) < levels.toSend('m.room.tombstone', true)) throw forbidden('You cannot upgrade this room')
    if (rules.roomIdIsCreateHash) {
      // The id of the new room is the hash of an event that names the old one: so that cannot name its tombstone as well.
      const plan = roomCreation.identified(await this.#plan(requester, old, rules, additionalCreators, {}))
      return { plan, end: await sender.prepare(old, tombstone(requester, plan.roomId)) }
    }
    const roomId = roomCreation.newRoomId()
    const end = await sender.prepare(old, tombstone(requester, roomId))
    const plan = await this.#plan(requester, old, rules, additionalCreators, { event_id: end.event.eventId })
    return { plan: roomCreation.identified({ ...plan, roomId }), end }
  }

  async #plan(
    requester: Requester,
    old: Room,
    rules: RoomRules,
    additionalCreators: readonly UserId[],
    predecessor: JsonObject,
  ): Promise<RoomPlan> {
    const { heads, states } = this.#parts
    const { stateRoot } = await heads.get(old)
    const state = await states.all(stateRoot)
    const { find } = await states.lookup(stateRoot, [{ type: 'm.room.create', stateKey: '' }])
    const create = find('m.room.create', '')
    const creatorsAfter = additionalCreators.filter((userId) => userId !== requester.userId)
    const content: JsonObject = { room_version: rules.version, predecessor: { room_id: old.roomId, ...predecessor } }
    if (rules.auth.creatorInContent) content['creator'] = requester.userId
    if (rules.auth.privilegedCreators && creatorsAfter.length > 0) content['additional_creators'] = [...new Set(creatorsAfter)]
    for (const key of ['type', 'm.federate']) {
      const value = create?.content[key]
      if (value !== undefined) content[key] = value
    }
    const creatorsBefore = create && old.rules.auth.privilegedCreators ? ([...creatorsOf(create)] as UserId[]) : []
    const succession = { upgrader: requester.userId, creatorsBefore, creatorsAfter, from: old.rules, to: rules }
    return { creator: requester, rules, createContent: content, events: successorEvents(state, succession), published: false }
  }

  /** The old room gives up its aliases, and nobody talks or invites there any more, as far as the user may see to that. */
  async #retire({ userId }: Requester, old: Room): Promise<void> {
    const { heads, states } = this.#parts
    const { stateRoot } = await heads.get(old)
    const levels = retiredLevels(await states.content(stateRoot, 'm.room.power_levels'), old.rules)
    if (await states.get(stateRoot, 'm.room.canonical_alias'))
      await this.#trySend(old, { sender: userId, type: 'm.room.canonical_alias', stateKey: '', content: {} })
    if (levels) await this.#trySend(old, { sender: userId, type: 'm.room.power_levels', stateKey: '', content: levels })
  }

  async #trySend(room: Room, draft: Draft): Promise<void> {
    try {
      await this.#parts.sender.send(room, draft)
    } catch (cause) {
      if (!(cause instanceof MatrixError)) throw cause
    }
  }
}

function tombstone({ userId }: Requester, replacement: RoomId): Draft {
  const content = { body: 'This room has been replaced', replacement_room: replacement }
  return { sender: userId, type: 'm.room.tombstone', stateKey: '', content }
}
