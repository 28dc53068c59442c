import { slidingSync, slidingSyncV4 } from '../../../schemas/client/sliding-sync.ts'
import { isRoomId, type RoomId } from '../../../schemas/ids.ts'
import type { Requester } from '../../core/requester.ts'
import { invalidParam } from '../../core/errors.ts'
import { rawJson } from '../../http/reply.ts'
import { type Request, type Route, route } from '../../http/route.ts'
import { MAX_CHANGES } from '../../rooms/thread-subscriptions.ts'
import type { Rooms } from '../../storage/rooms.ts'
import { decodeToken } from '../../streams/position.ts'
import { answerTexts } from '../../sync/sliding/answer-texts.ts'
import { THREAD_SUBSCRIPTIONS } from '../../sync/sliding/extensions.ts'
import { RequiredState, type StateElement } from '../../sync/sliding/required-state.ts'
import { PROFILES } from '../../sync/sliding/profiles.ts'
import type {
  Extensions,
  PagedExtension,
  ProfilesExtension,
  RoomConfig,
  RoomExtension,
  RoomFilters,
  SlidingRequest,
} from '../../sync/sliding/request.ts'
import { STICKY_EVENTS } from '../../sync/sliding/sticky.ts'
import type { SlidingSync } from '../../sync/sliding/sliding-sync.ts'

type UnstableBody = Request<typeof slidingSync>['body']
type StableBody = Request<typeof slidingSyncV4>['body']
type UnstableConfig = NonNullable<UnstableBody['room_subscriptions']>[string]
type StableConfig = NonNullable<StableBody['room_subscriptions']>[string]
type Filters = NonNullable<NonNullable<StableBody['lists']>[string]['filters']>
type ExtensionsBody = NonNullable<StableBody['extensions']>

/** No request waits for longer. */
const MAX_TIMEOUT_MS = 600_000
const MAX_LISTS = 100
const PRESENCES = ['online', 'offline', 'unavailable'] as const
/** Servers may cap the number of events. */
const MAX_TIMELINE_LIMIT = 100
const MAX_SUBSCRIPTIONS = 100
/** Before the limit was agreed on, clients subscribed to what they showed. */
const MAX_UNSTABLE_SUBSCRIPTIONS = 1_000

export const slidingSyncRoutes = ({ slidingSync: sliding, rooms }: { slidingSync: SlidingSync; rooms: Rooms }): Route[] => [
  route(slidingSync, async ({ body, query, requester, ending }) => {
    const request = { ...common(requester, { ...body, ...query }), ...unstable(body) }
    return rawJson(await answerTexts(await sliding.sync(request, ending), rooms, false))
  }),
  route(slidingSyncV4, async ({ body, requester, ending }) => {
    const request = { ...common(requester, body), ...stable(body) }
    return rawJson(await answerTexts(await sliding.sync(request, ending), rooms, true))
  }),
]

function common(
  { userNid, userId, deviceNid }: Requester,
  asked: Pick<StableBody, 'conn_id' | 'pos' | 'timeout' | 'set_presence' | 'extensions'>,
): Omit<SlidingRequest, 'lists' | 'subscriptions'> {
  return {
    reader: { userNid, userId, deviceNid },
    connId: asked.conn_id ?? '',
    pos: asked.pos,
    timeoutMs: Math.min(asked.timeout ?? 0, MAX_TIMEOUT_MS),
    setPresence: presenceOf(asked.set_presence),
    extensions: extensionsOf(asked.extensions ?? {}),
  }
}

function presenceOf(asked: string | undefined): SlidingRequest['setPresence'] {
  const presence = PRESENCES.find((known) => known === (asked ?? 'online'))
  if (!presence) throw invalidParam('set_presence is online, offline or unavailable')
  return presence
}

function unstable({
  lists = {},
  room_subscriptions: subscriptions = {},
}: UnstableBody): Pick<SlidingRequest, 'lists' | 'subscriptions'> {
  const entries = Object.entries(lists).map(([name, list]) => {
    const { is_invite: isInvite, ...filters } = list.filters ?? {}
    return [name, { config: unstableConfig(list), ranges: list.ranges, filters: filtersOf(filters, isInvite) }] as const
  })
  return {
    lists: new Map(atMost(MAX_LISTS, 'lists', entries)),
    subscriptions: subscriptionsOf(subscriptions, unstableConfig, MAX_UNSTABLE_SUBSCRIPTIONS),
  }
}

function stable({
  lists = {},
  room_subscriptions: subscriptions = {},
}: StableBody): Pick<SlidingRequest, 'lists' | 'subscriptions'> {
  const entries = Object.entries(lists).map(([name, list]) => {
    const { is_invited: isInvited, ...filters } = list.filters ?? {}
    const ranges = list.range && [list.range]
    return [name, { config: stableConfig(list), ranges, filters: filtersOf(filters, isInvited) }] as const
  })
  return {
    lists: new Map(atMost(MAX_LISTS, 'lists', entries)),
    subscriptions: subscriptionsOf(subscriptions, stableConfig, MAX_SUBSCRIPTIONS),
  }
}

function unstableConfig({ timeline_limit: limit = 0, required_state: required = [] }: UnstableConfig): RoomConfig {
  const include = required
    .filter((element) => !isLazy(element))
    .map(([type, stateKey]) => ({ type: unlessAll(type), stateKey: unlessAll(stateKey) }))
  return {
    timelineLimit: Math.min(limit, MAX_TIMELINE_LIMIT),
    requiredState: RequiredState.of([{ include, exclude: [], lazyMembers: required.some(isLazy) }]),
  }
}

const isLazy = ([type, stateKey]: readonly [string, string]): boolean => type === 'm.room.member' && stateKey === '$LAZY'
const unlessAll = (pattern: string): string | undefined => (pattern === '*' ? undefined : pattern)

function stableConfig({ timeline_limit: limit, required_state: required }: StableConfig): RoomConfig {
  const elements = (given: StableConfig['required_state']['include'] = []): StateElement[] =>
    given.map(({ type, state_key: stateKey }) => ({ type, stateKey }))
  const { include, exclude, lazy_members: lazyMembers = false } = required
  const choice = { include: elements(include), exclude: elements(exclude), lazyMembers }
  return { timelineLimit: Math.min(limit, MAX_TIMELINE_LIMIT), requiredState: RequiredState.of([choice]) }
}

function subscriptionsOf<C>(
  given: Readonly<Record<string, C>>,
  configOf: (config: C) => RoomConfig,
  max: number,
): ReadonlyMap<RoomId, RoomConfig> {
  const subscriptions = new Map<RoomId, RoomConfig>()
  for (const [roomId, config] of atMost(max, 'room_subscriptions', Object.entries(given)))
    if (isRoomId(roomId)) subscriptions.set(roomId, configOf(config))
  return subscriptions
}

function filtersOf(filters: Omit<Filters, 'is_invited'>, isInvite: boolean | undefined): RoomFilters {
  return {
    isInvite,
    isDm: filters.is_dm,
    isEncrypted: filters.is_encrypted,
    spaces: filters.spaces && new Set(filters.spaces.filter(isRoomId)),
    roomTypes: filters.room_types,
    notRoomTypes: filters.not_room_types,
    tags: filters.tags && new Set(filters.tags),
    notTags: filters.not_tags && new Set(filters.not_tags),
  }
}

function extensionsOf(given: ExtensionsBody): Extensions {
  const { to_device: toDevice, e2ee, [THREAD_SUBSCRIPTIONS]: threads, [STICKY_EVENTS]: sticky, [PROFILES]: profiles } = given
  return {
    toDevice: toDevice?.enabled ? pagedExtension(toDevice) : undefined,
    e2ee: e2ee?.enabled,
    accountData: roomExtension(given.account_data),
    receipts: roomExtension(given.receipts),
    typing: roomExtension(given.typing),
    threadSubscriptions: threads?.enabled ? { limit: threads.limit ?? MAX_CHANGES } : undefined,
    profiles: profilesOf(profiles),
    stickyEvents: sticky?.enabled ? pagedExtension(sticky) : undefined,
  }
}

function pagedExtension({ since, limit }: NonNullable<ExtensionsBody['to_device']>): PagedExtension {
  return { since: since == null ? undefined : decodeToken(since), limit }
}

/** Unless it is said otherwise, extensions are for all lists and subscriptions. */
function roomExtension(given: ExtensionsBody['receipts']): RoomExtension | undefined {
  return given?.enabled ? { lists: new Set(given.lists ?? ['*']), rooms: new Set(given.rooms ?? ['*']) } : undefined
}

function profilesOf(given: ExtensionsBody[typeof PROFILES]): ProfilesExtension | undefined {
  const rooms = roomExtension(given)
  return rooms && { ...rooms, fields: given?.fields ? new Set(given.fields) : undefined }
}

function atMost<T>(max: number, name: string, entries: readonly T[]): readonly T[] {
  if (entries.length > max) throw invalidParam(`There are at most ${max} ${name}`)
  return entries
}
