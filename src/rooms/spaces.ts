/** https://spec.matrix.org/v1.19/client-server-api/#spaces */
import { isRoomId, type RoomAlias, type RoomId, type ServerName } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden, invalidParam, notFound } from '../core/errors.ts'
import { OwnedCache, type OwnedCacheLimits } from '../core/owned-cache.ts'
import { randomToken } from '../core/random.ts'
import type { Requester } from '../core/requester.ts'
import type { RoomAliases } from './aliases.ts'
import { childOf, MAX_CHILDREN, type RoomOverviews, type SpaceChild, strippedChild } from './overviews.ts'

const MAX_DEPTH = 10
const MAX_PAGE = 50
const SPACE = 'm.space'
/** In characters of what is kept of walks, some 100 MB of all. */
const WALKS: OwnedCacheLimits = { ofOwner: 5_000_000, all: 50_000_000 }
/** What each room weighs that a walk has visited, or has to. */
const WEIGHT_OF_PLACE = 200
const WALK_LASTS_MS = 300_000

/** What another server tells of a room and its children. */
export interface RemoteSpace {
  /** With `children_state`. */
  readonly room: JsonObject
  /** Summaries of those children that the server knows and that we may see. */
  readonly children: readonly JsonObject[]
}

/** Port to other servers: asks them one after another for a room; undefined where none of them tells. */
export interface RemoteSpaces {
  space(servers: readonly ServerName[], roomId: RoomId, suggestedOnly: boolean): Promise<RemoteSpace | undefined>
}

export interface SpacesParts {
  serverName: ServerName
  clock: Clock
  overviews: RoomOverviews
  roomAliases: Pick<RoomAliases, 'locate'>
  remoteSpaces: RemoteSpaces
}

export interface HierarchyRequest {
  readonly suggestedOnly: boolean
  readonly maxDepth: number
  readonly limit: number
  readonly from: string | undefined
}

interface Place extends SpaceChild {
  readonly depth: number
}

/** A walk through a space, to be gone on with. */
interface Walk {
  readonly rootId: RoomId
  readonly suggestedOnly: boolean
  readonly maxDepth: number
  /** What is still to be visited, the next one last. */
  readonly left: Place[]
  readonly visited: Set<RoomId>
  /** What other servers have told of rooms by the way. */
  readonly told: Map<RoomId, JsonObject>
  /** How long that is as JSON. */
  toldLength: number
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** A room of a space, and the rooms that are in it. */
interface Found {
  readonly summary: JsonObject
  readonly children: readonly JsonObject[]
}

export class Spaces {
  readonly #parts: SpacesParts
  readonly #walks = new OwnedCache<Walk>(WALKS)

  constructor(parts: SpacesParts) {
    this.#parts = parts
  }

  /**
   * A room's summary, from here or from other servers, with what the user is to it: of one that is open to all, also where that
   * is `ban`. Throws M_NOT_FOUND where there is none that the user may see.
   */
  async summary(requester: Requester | undefined, room: RoomId | RoomAlias, via: readonly ServerName[]): Promise<JsonObject> {
    const { overviews, roomAliases } = this.#parts
    const { roomId, servers } = await roomAliases.locate(room, via)
    const found = await this.#find(roomId, servers, false)
    if (!found || !(await overviews.mayUserSee(found.summary, requester))) throw notFound(`The room ${room} was not found`)
    const membership = requester && (await overviews.membership(roomId, requester.userNid))
    return { ...found.summary, ...(requester && { membership: membership ?? 'leave' }) }
  }

  /** A page of the rooms of a space, parents before children. Throws M_FORBIDDEN, M_INVALID_PARAM. */
  async hierarchy(requester: Requester, rootId: RoomId, request: HierarchyRequest): Promise<JsonObject> {
    const walk = this.#walkOf(requester, rootId, request)
    const rooms: JsonObject[] = []
    const limit = Math.min(request.limit, MAX_PAGE)
    while (rooms.length < limit) {
      const place = walk.left.pop()
      if (!place) return { rooms }
      const entry = await this.#visit(requester, walk, place)
      if (entry) rooms.push(entry)
      else if (place.depth === 0) throw forbidden(`You may not look into the room ${rootId}`)
    }
    if (walk.left.length === 0) return { rooms }
    const token = randomToken(12)
    const kept = { ...walk, until: this.#parts.clock.now() + WALK_LASTS_MS }
    this.#walks.set(requester.userNid, token, kept, weightOf(walk))
    return { rooms, next_batch: token }
  }

  #walkOf({ userNid }: Requester, rootId: RoomId, { from, suggestedOnly, maxDepth }: HierarchyRequest): Walk {
    if (from === undefined) {
      const left = [{ roomId: rootId, via: [], depth: 0 }]
      const depth = Math.min(maxDepth, MAX_DEPTH)
      return { rootId, suggestedOnly, maxDepth: depth, left, visited: new Set(), told: new Map(), toldLength: 0, until: 0 }
    }
    const known = this.#walks.get(userNid, from)
    if (known?.rootId !== rootId || known.until < this.#parts.clock.now())
      throw invalidParam('The token is unknown or has expired')
    if (known.suggestedOnly !== suggestedOnly || known.maxDepth !== Math.min(maxDepth, MAX_DEPTH))
      throw invalidParam('suggested_only and max_depth cannot change on paginated requests')
    // A client may repeat its request.
    return { ...known, left: [...known.left], visited: new Set(known.visited) }
  }

  /** The entry of a room that the user may see and that was not visited before; its children are to be visited next. */
  async #visit(requester: Requester, walk: Walk, { roomId, via, depth }: Place): Promise<JsonObject | undefined> {
    if (walk.visited.has(roomId)) return undefined
    walk.visited.add(roomId)
    const { overviews } = this.#parts
    // A room is not shown in a hierarchy to whom it has banned, be it open to all others.
    if ((await overviews.membership(roomId, requester.userNid)) === 'ban') return undefined
    const found = await this.#tellOrFind(walk, roomId, via)
    if (!found || !(await overviews.mayUserSee(found.summary, requester))) return undefined
    if (depth < walk.maxDepth) {
      const children = found.children.flatMap(
        (event) => childOf({ stateKey: stringAt(event, 'state_key'), content: objectAt(event, 'content') ?? {} }) ?? [],
      )
      for (const child of children.toReversed()) walk.left.push({ ...child, depth: depth + 1 })
    }
    return { ...found.summary, children_state: [...found.children] }
  }

  async #tellOrFind(walk: Walk, roomId: RoomId, via: readonly ServerName[]): Promise<Found | undefined> {
    const told = walk.told.get(roomId)
    // The parent's server has told all that there is to know of a room that is no space.
    if (told && told['room_type'] !== SPACE && !(await this.#parts.overviews.resident(roomId)))
      return { summary: told, children: [] }
    return this.#find(roomId, via, walk.suggestedOnly, walk)
  }

  async #find(roomId: RoomId, via: readonly ServerName[], suggestedOnly: boolean, walk?: Walk): Promise<Found | undefined> {
    const { overviews, remoteSpaces, serverName } = this.#parts
    const room = await overviews.resident(roomId)
    if (room) {
      const summary = await overviews.summary(room)
      const isSpace = summary['room_type'] === SPACE
      return { summary, children: isSpace ? (await overviews.children(room, suggestedOnly)).map(strippedChild) : [] }
    }
    const others = via.filter((server) => server !== serverName)
    const remote = others.length === 0 ? undefined : await remoteSpaces.space(others, roomId, suggestedOnly)
    if (!remote || remote.room['room_id'] !== roomId) return undefined
    if (walk) for (const child of remote.children.slice(0, MAX_CHILDREN)) note(walk, child)
    const { children_state: children, ...summary } = remote.room
    return { summary, children: Array.isArray(children) ? children.slice(0, MAX_CHILDREN).filter(isJsonObject) : [] }
  }
}

/** Keeps what another server tells of a room on the way. */
function note(walk: Walk, summary: JsonObject): void {
  const roomId = stringAt(summary, 'room_id') ?? ''
  if (!isRoomId(roomId) || walk.told.has(roomId)) return
  walk.told.set(roomId, summary)
  walk.toldLength += JSON.stringify(summary).length
}

const weightOf = ({ left, visited, toldLength }: Walk): number => (left.length + visited.size) * WEIGHT_OF_PLACE + toldLength
