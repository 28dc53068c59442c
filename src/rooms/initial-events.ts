/**
 * The events that a new room starts with.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
import type { BodyOf } from '../../schemas/endpoint.ts'
import type { createRoom } from '../../schemas/client/create-room.ts'
import { isUserId, type RoomAlias, type UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { badAlias, badJson, invalidRoomState } from '../core/errors.ts'
import { aliasesIn } from './aliases.ts'
import type { RoomRules } from '../protocol/room-versions.ts'
import type { Draft } from './send.ts'

export type CreateRoomRequest = BodyOf<typeof createRoom>
export type Preset = NonNullable<CreateRoomRequest['preset']>

/** A state event to be, whoever sends it. */
export type StateDraft = Pick<Draft, 'type' | 'content'> & { readonly stateKey: string }

const OPERATOR_LEVEL = 100
/** Since v12 the level for tombstones must be higher than `state_default`, out of reach of all but the creators. */
const TOMBSTONE_LEVEL_OF_CREATORS = 150

const PRESETS: Readonly<Record<Preset, { joinRule: string; guestAccess: string; invite: number }>> = {
  private_chat: { joinRule: 'invite', guestAccess: 'can_join', invite: 0 },
  trusted_private_chat: { joinRule: 'invite', guestAccess: 'can_join', invite: 0 },
  public_chat: { joinRule: 'public', guestAccess: 'forbidden', invite: 50 },
}

/** If no preset is given, the visibility determines which one to use. */
function presetOf({ preset, visibility }: CreateRoomRequest): Preset {
  return preset ?? (visibility === 'public' ? 'public_chat' : 'private_chat')
}

/** The users to invite, each once. */
export function inviteesOf(request: CreateRoomRequest): UserId[] {
  return [...new Set(request.invite)]
}

/** The content of the create event. @throws {MatrixError} M_BAD_JSON for additional creators that are not user IDs */
export function createContent(request: CreateRoomRequest, creator: UserId, rules: RoomRules): JsonObject {
  const content: JsonObject = { ...request.creation_content, room_version: rules.version }
  // The server will overwrite the following keys: creator, room_version.
  delete content['creator']
  if (rules.auth.creatorInContent) content['creator'] = creator
  if (rules.auth.privilegedCreators) {
    const creators = additionalCreators(request, creator)
    delete content['additional_creators']
    if (creators.length > 0) content['additional_creators'] = creators
  }
  return content
}

/** The additional_creators of the content and, with the preset trusted_private_chat, the invited users, each once. */
function additionalCreators(request: CreateRoomRequest, creator: UserId): UserId[] {
  const named = request.creation_content?.['additional_creators'] ?? []
  if (!Array.isArray(named) || !named.every((entry) => typeof entry === 'string' && isUserId(entry)))
    throw badJson('additional_creators is not a list of user IDs')
  const trusted = presetOf(request) === 'trusted_private_chat' ? inviteesOf(request) : []
  const all = new Set([...(named as UserId[]), ...trusted])
  all.delete(creator)
  return [...all]
}

/** The power levels that a room starts with, under what the request overrides. */
function powerLevelContent(request: CreateRoomRequest, creator: UserId, rules: RoomRules): JsonObject {
  const preset = presetOf(request)
  // In v1 to v11 the creator is listed, and trusted invitees with the same level; since v12 creators must not be.
  const operators = preset === 'trusted_private_chat' ? [creator, ...inviteesOf(request)] : [creator]
  const users = rules.auth.privilegedCreators ? [] : operators
  return {
    users: Object.fromEntries(users.map((user) => [user, OPERATOR_LEVEL])),
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.avatar': 50,
      'm.room.canonical_alias': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.encryption': 100,
      'm.room.server_acl': 100,
      'm.room.tombstone': rules.auth.privilegedCreators ? TOMBSTONE_LEVEL_OF_CREATORS : 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: PRESETS[preset].invite,
    ...request.power_level_content_override,
  }
}

/**
 * What follows on the creator's join, in order, up to the invites.
 * @throws {MatrixError} M_INVALID_ROOM_STATE for members, M_BAD_ALIAS for an alias that cannot point to the room
 */
export function stateAfterJoin(
  request: CreateRoomRequest,
  creator: UserId,
  rules: RoomRules,
  alias: RoomAlias | undefined,
): StateDraft[] {
  const given = (request.initial_state ?? []).map(
    ({ type, state_key: stateKey = '', content }): StateDraft => ({ type, stateKey, content }),
  )
  for (const event of given) assertMayBeGiven(event, alias)
  const isGiven = ({ type, stateKey }: StateDraft) => given.some((event) => event.type === type && event.stateKey === stateKey)
  return [
    draft('m.room.power_levels', powerLevelContent(request, creator, rules)),
    ...(alias === undefined ? [] : [draft('m.room.canonical_alias', { alias })]),
    // initial_state takes precedence over events set by preset, but gets overridden by name and topic.
    ...presetState(presetOf(request)).filter((event) => !isGiven(event)),
    ...given,
    ...(request.name === undefined ? [] : [draft('m.room.name', { name: request.name })]),
    ...(request.topic === undefined ? [] : [draft('m.room.topic', topicContent(request.topic))]),
  ]
}

/** What has ways of its own into a room, with checks of their own, does not come in as initial state. */
function assertMayBeGiven({ type, stateKey, content }: StateDraft, alias: RoomAlias | undefined): void {
  if (type === 'm.room.member') throw invalidRoomState('initial_state cannot hold members: users are invited')
  if (type !== 'm.room.canonical_alias' || stateKey !== '') return
  for (const named of aliasesIn(content))
    if (named !== alias) throw badAlias(`${JSON.stringify(named)} is not an alias of the room to be`)
}

function presetState(preset: Preset): StateDraft[] {
  const { joinRule, guestAccess } = PRESETS[preset]
  return [
    draft('m.room.join_rules', { join_rule: joinRule }),
    draft('m.room.history_visibility', { history_visibility: 'shared' }),
    draft('m.room.guest_access', { guest_access: guestAccess }),
  ]
}

function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic, mimetype: 'text/plain' }] } }
}

const draft = (type: string, content: JsonObject): StateDraft => ({ type, stateKey: '', content })
