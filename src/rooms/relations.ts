/** https://spec.matrix.org/v1.19/client-server-api/#relationships-api */
import type { EventId, RoomId, UserId } from '../../schemas/ids.ts'
import { type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { duplicateAnnotation, noThreadRoot } from '../core/errors.ts'
import type { Events } from '../storage/events.ts'
import type { Relation, Relations } from '../storage/relations.ts'
import type { Room } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { History } from './history.ts'
import { relationOf } from './relation.ts'
import type { RoomViews } from './room-view.ts'
import type { Viewer, Visibility } from './visibility.ts'

const ANNOTATION = 'm.annotation'
const THREAD = 'm.thread'
const FIRST = Number.MIN_SAFE_INTEGER
/** How many children one request looks through for those that are wanted and visible. */
const MAX_SCANNED = 2_000
/** So many are loaded at once. */
const CHUNK = 100
/** With `recurse`, children of children of children; the depth is given back in `recursion_depth`. */
export const RECURSION_DEPTH = 3

export interface RelatedEventsParts {
  events: Events
  relations: Relations
  roomViews: RoomViews
  history: History
  visibility: Visibility
}

export interface RelationsRequest {
  readonly direction: 'f' | 'b'
  /** Stream positions, as in /messages. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly limit: number
  readonly recurse: boolean
  readonly relType?: string | undefined
  readonly eventType?: string | undefined
}

export interface RelationsPage {
  readonly events: readonly StoredEvent[]
  /** Position to go on from; undefined where there is nothing more. */
  readonly next: number | undefined
}

export class RelatedEvents {
  readonly #parts: RelatedEventsParts
  readonly #maxScanned: number

  constructor(parts: RelatedEventsParts, maxScanned = MAX_SCANNED) {
    this.#parts = parts
    this.#maxScanned = maxScanned
  }

  /**
   * The children of an event, in the order of the timeline. What is redacted has lost its relation.
   * @throws {MatrixError} M_NOT_FOUND for a parent that the viewer may not see
   */
  async page(viewer: Viewer, roomId: RoomId, parent: EventId, request: RelationsRequest): Promise<RelationsPage> {
    const { history, roomViews, relations } = this.#parts
    const { direction, from, to, recurse } = request
    const event = await history.event(viewer, roomId, parent)
    const { upTo } = await roomViews.of(viewer, roomId)
    const [newest = upTo, oldest = FIRST] = direction === 'b' ? [from, to] : [to, from]
    const range = [parent, direction, oldest, Math.min(newest, upTo), this.#maxScanned] as const
    const children = recurse ? await relations.below(...range, RECURSION_DEPTH) : await relations.of(...range)
    return this.#choose(viewer, event, children, request)
  }

  /**
   * Whether a user may send an event that relates to another one as its content says.
   * @throws {MatrixError} M_DUPLICATE_ANNOTATION, or M_UNKNOWN for a thread off an event that itself relates to another one
   */
  async assertMayRelate(sender: UserId, type: string, content: JsonObject): Promise<void> {
    const relation = relationOf({ content })
    const key = annotationKey(content)
    if (relation?.relType === THREAD) await this.#assertMayBeRoot(relation.target)
    if (relation && key !== undefined) await this.#assertNoDuplicate(relation.target, sender, type, key)
  }

  /** Servers SHOULD reject client requests which attempt to start a thread off an event that is a child itself. */
  async #assertMayBeRoot(target: EventId): Promise<void> {
    const root = await this.#parts.events.byId(target)
    if (root && relationOf(root)) throw noThreadRoot()
  }

  /** Homeservers should prevent users from sending a second annotation for a given event with identical type and key. */
  async #assertNoDuplicate(target: EventId, sender: UserId, type: string, key: string): Promise<void> {
    const { relations, events } = this.#parts
    const others = await relations.of(target, 'b', FIRST, Number.MAX_SAFE_INTEGER, MAX_SCANNED)
    const annotations = others.filter(({ relType }) => relType === ANNOTATION).map(({ nid }) => nid)
    for (const event of (await events.byNids(annotations)).values())
      if (event.sender === sender && event.type === type && annotationKey(event.content) === key) throw duplicateAnnotation()
  }

  /** The newest events of a room that relate to one of its events in one of these ways, `*` standing for all; none that is redacted. */
  async relatedTo(room: Room, target: EventId, relTypes: readonly string[]): Promise<StoredEvent[]> {
    const { relations, events } = this.#parts
    const wanted = new Set(relTypes)
    const children = await relations.of(target, 'b', FIRST, Number.MAX_SAFE_INTEGER, MAX_SCANNED)
    const nids = children.filter(({ relType }) => wanted.has('*') || wanted.has(relType)).map(({ nid }) => nid)
    return [...(await events.byNids(nids)).values()].filter((event) => event.room.nid === room.nid && !event.redacted)
  }

  /** Those of the children that are visible and wanted, up to the limit. */
  async #choose(
    viewer: Viewer,
    parent: StoredEvent,
    children: readonly Relation[],
    request: RelationsRequest,
  ): Promise<RelationsPage> {
    const { events, visibility } = this.#parts
    const found: StoredEvent[] = []
    const behind = ({ position }: Relation) => (request.direction === 'b' ? position - 1 : position)
    for (let at = 0; at < children.length; at += CHUNK) {
      const chunk = children.slice(at, at + CHUNK)
      const stored = await events.byNids(chunk.map(({ nid }) => nid))
      const shown = new Set(await visibility.shown([...stored.values()], viewer))
      for (const child of chunk) {
        const event = stored.get(child.nid)
        if (!event || !shown.has(event) || !isWanted(event, parent, request)) continue
        if (found.push(event) === request.limit) return { events: found, next: behind(child) }
      }
    }
    const last = children.length < this.#maxScanned ? undefined : children.at(-1)
    return { events: found, next: last && behind(last) }
  }
}

function annotationKey(content: JsonObject): string | undefined {
  const relatesTo = objectAt(content, 'm.relates_to') ?? {}
  return relatesTo['rel_type'] === ANNOTATION ? stringAt(relatesTo, 'key') : undefined
}

function isWanted(event: StoredEvent, parent: StoredEvent, { relType, eventType }: RelationsRequest): boolean {
  const relation = relationOf(event)
  if (!relation || event.room.nid !== parent.room.nid) return false
  return (relType === undefined || relation.relType === relType) && (eventType === undefined || event.type === eventType)
}
