/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
import { isRoomAlias, type RoomAlias, type RoomId, type ServerName, type UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { invalidParam, invalidRoomState, MatrixError, roomInUse, unsupportedRoomVersion } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { Limiter } from '../core/limiter.ts'
import type { Logger } from '../core/logger.ts'
import { randomLetters } from '../core/random.ts'
import type { Requester } from '../core/requester.ts'
import { buildEvent } from '../protocol/event-builder.ts'
import { type RoomRules, roomRules } from '../protocol/room-versions.ts'
import type { Aliases } from '../storage/aliases.ts'
import { assertMayGive } from './aliases.ts'
import type { Database } from '../storage/database.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { RoomHeads } from './heads.ts'
import { type CreateRoomRequest, createContent, inviteesOf, type StateDraft, stateAfterJoin } from './initial-events.ts'
import type { Invites } from './membership/invite.ts'
import { memberContent, type ProfileSource } from './membership/member-content.ts'
import { assertNotSuspended } from './policy.ts'
import type { Draft, EventSender } from './send.ts'

export interface RoomCreationParts {
  serverName: ServerName
  clock: Clock
  db: Database
  rooms: Rooms
  aliases: Aliases
  heads: RoomHeads
  sender: EventSender
  invites: Invites
  profileFields: ProfileSource
  /** Version of rooms made without a wish for another. */
  defaultVersion: string
  /** Users may publish their rooms. */
  allowPublication: boolean
  logger?: Logger | undefined
}

/** Nothing else is committed while so many are invited together with the making of the room. */
const INVITED_AT_ONCE = 20

/** A room to be. */
export interface RoomPlan {
  readonly creator: Pick<Requester, 'userId' | 'userNid' | 'appServiceId'>
  readonly rules: RoomRules
  /** By `newRoomId` or `identified`, where the id has to be known beforehand. */
  readonly roomId?: RoomId
  /** When the create event is sent, in milliseconds since the epoch; by `identified`. */
  readonly createdAt?: number
  readonly createContent: JsonObject
  /** What follows on the create event and the creator's join, in order. */
  readonly events: readonly StateDraft[]
  readonly alias?: RoomAlias | undefined
  readonly published: boolean
}

/** A plan of which one room can be made and no other. */
export type IdentifiedPlan = RoomPlan & Required<Pick<RoomPlan, 'roomId' | 'createdAt'>>

export interface CreatedRoom {
  readonly roomId: RoomId
  readonly alias: RoomAlias | undefined
}

export class RoomCreation {
  readonly #parts: RoomCreationParts
  readonly #aliasQueue = new KeyedQueue<RoomAlias>()
  /** While a room is made nothing else is committed: between two rooms it is the turn of the others. */
  readonly #oneByOne = new Limiter(1)
  #lastInstant = 0

  constructor(parts: RoomCreationParts) {
    this.#parts = parts
  }

  /**
   * Makes a room and invites users to it. All of its first events are there at once, or none; users of other servers, and
   * whoever else is one of many, are invited when it is there.
   * @throws {MatrixError} M_UNSUPPORTED_ROOM_VERSION, M_ROOM_IN_USE, M_INVALID_ROOM_STATE, M_BAD_JSON, M_TOO_LARGE, M_INVITE_BLOCKED
   */
  async create(requester: Requester, request: CreateRoomRequest): Promise<CreatedRoom> {
    assertNotSuspended(requester)
    const { invites, allowPublication } = this.#parts
    const rules = this.rulesOf(request.room_version)
    const alias = this.#aliasOf(request)
    const invitees = inviteesOf(request)
    for (const target of invitees) await invites.assertAccepts(target, requester.userId)
    const given: JsonObject = request.is_direct === true ? { is_direct: true } : {}
    const first = invitees.filter((target) => invites.isLocal(target)).slice(0, INVITED_AT_ONCE)
    const drafts = await Promise.all(first.map((target) => invites.draft(requester.userId, target, given)))
    const room = await this.make({
      creator: requester,
      rules,
      createContent: createContent(request, requester.userId, rules),
      events: [...stateAfterJoin(request, requester.userId, rules, alias), ...drafts],
      alias,
      published: request.visibility === 'public' && allowPublication,
    })
    const others = invitees.filter((target) => !first.includes(target))
    await this.#invite(room, requester, others, given)
    return { roomId: room.roomId, alias }
  }

  /**
   * The room is there whatever becomes of the invites, and the client has to learn that it is: failures are logged only, but for
   * those whose servers say that they block invites, for which the specification has an answer.
   * @throws {MatrixError} M_INVITE_BLOCKED, when everybody else is invited
   */
  async #invite(room: Room, { userId }: Requester, targets: readonly UserId[], given: JsonObject): Promise<void> {
    const { invites, logger } = this.#parts
    let blocked: MatrixError | undefined
    for (const target of targets) {
      await invites.inviteTo(room, userId, target, given).catch((err: unknown) => {
        if (err instanceof MatrixError && err.errcode === 'M_INVITE_BLOCKED') blocked = err
        logger?.warn({ err, roomId: room.roomId, target }, 'A user could not be invited to a new room')
      })
    }
    if (blocked) throw blocked
  }

  /** The rules of a version by a client's wish, or of the default one. Throws M_UNSUPPORTED_ROOM_VERSION. */
  rulesOf(version: string = this.#parts.defaultVersion): RoomRules {
    const rules = roomRules(version)
    if (!rules) throw unsupportedRoomVersion(`This server does not know the room version ${JSON.stringify(version)}`)
    return rules
  }

  /** Makes the room of a plan, in one commit. Throws M_INVALID_ROOM_STATE where one of its events is not allowed. */
  async make(plan: RoomPlan): Promise<Room> {
    if (plan.alias === undefined) return this.#make(plan)
    const { alias } = plan
    return this.#aliasQueue.run(alias, async () => {
      if (await this.#parts.aliases.get(alias)) throw roomInUse()
      await assertMayGive(this.#parts.aliases, plan.creator)
      return this.#make(plan)
    })
  }

  async #make(plan: RoomPlan): Promise<Room> {
    const { db, rooms, heads } = this.#parts
    const { roomId, createdAt } = this.identified(plan)
    const room = rooms.draw(roomId, plan.rules)
    const join: StateDraft = {
      type: 'm.room.member',
      stateKey: plan.creator.userId,
      content: await memberContent(this.#parts.profileFields, plan.creator.userId, 'join'),
    }
    const writes: Promise<void>[] = []
    const sent = [
      createDraft(plan, createdAt),
      ...[join, ...plan.events].map((event) => ({ ...event, sender: plan.creator.userId })),
    ]
    await this.#oneByOne.run(async () => {
      await heads.locked(room.roomId, () => db.together(room.nid, () => this.#queueAll(room, plan, sent, writes)))
      await Promise.all(writes)
    })
    return room
  }

  async #queueAll(room: Room, plan: RoomPlan, drafts: readonly Draft[], writes: Promise<void>[]): Promise<void> {
    const { db, rooms, aliases, sender } = this.#parts
    const keep = (write: Promise<void>) => {
      // Where one fails all do, and the first refusal is what the client is told.
      write.catch(() => {})
      writes.push(write)
    }
    keep(
      db.write((batch) => {
        rooms.add(batch, room)
        if (plan.published) rooms.setPublished(batch, room.nid, true)
        if (plan.alias !== undefined) aliases.add(batch, plan.alias, room.nid, plan.creator.userNid)
      }, room.nid),
    )
    for (const draft of drafts) keep((await sender.queue(room, draft).catch(asInvalidState)).written)
  }

  /** A plan with the id of its room, which is there when that is made. */
  identified(plan: RoomPlan): IdentifiedPlan {
    const { createdAt = this.#nextInstant() } = plan
    return { ...plan, createdAt, roomId: plan.roomId ?? this.#roomId(createDraft(plan, createdAt), plan.rules) }
  }

  /** An id for a room of a version before 12: letters and our name. */
  newRoomId(): RoomId {
    return `!${randomLetters(18)}:${this.#parts.serverName}` as RoomId
  }

  /** Since room version 12 the hash of the create event. */
  #roomId(create: CreateDraft, rules: RoomRules): RoomId {
    if (!rules.roomIdIsCreateHash) return this.newRoomId()
    return buildEvent({ ...create, roomId: undefined, depth: 1, prevEvents: [], authEvents: [] }, rules).roomId
  }

  /** No two create events have the same time: with the same content, they would be the same room. */
  #nextInstant(): number {
    this.#lastInstant = Math.max(this.#parts.clock.now(), this.#lastInstant + 1)
    return this.#lastInstant
  }

  #aliasOf({ room_alias_name: name }: CreateRoomRequest): RoomAlias | undefined {
    if (name === undefined) return undefined
    const alias = `#${name}:${this.#parts.serverName}`
    if (name === '' || name.includes(':') || !isRoomAlias(alias))
      throw invalidParam('room_alias_name cannot be the name of an alias')
    return alias
  }
}

type CreateDraft = Draft & Required<Pick<Draft, 'stateKey' | 'originServerTs'>>

function createDraft({ creator, createContent: content }: RoomPlan, originServerTs: number): CreateDraft {
  return { sender: creator.userId, type: 'm.room.create', stateKey: '', content, originServerTs }
}

/** The initial state implied by the request is invalid. */
function asInvalidState(cause: unknown): never {
  throw cause instanceof MatrixError && cause.errcode === 'M_FORBIDDEN' ? invalidRoomState(cause.message) : cause
}
