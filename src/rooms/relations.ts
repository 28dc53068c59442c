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

  constructor(parts: RelatedEventsParts) {
    this.#parts = parts
  }

  /**
   * The children of an event, in the order of the timeline. What is redacted has lost its relation.
   * @throws {MatrixError} M_NOT_FOUND for a parent that the viewer may not see
   */
  async page(viewer: Viewer, roomId: RoomId, parent: EventId, request: RelationsRequest): Promise<RelationsPage> {
    const { history, roomViews } = this.#parts
    const event = await history.event(viewer, roomId, parent)
    const { upTo } = await roomViews.of(viewer, roomId)
    const { direction, from, to } = request
    const range =
      direction === 'b'
        ? { after: to ?? FIRST, upTo: Math.min(from ?? upTo, upTo) }
        : { after: from ?? FIRST, upTo: Math.min(to ?? upTo, upTo) }
    const children = await this.#children(event, direction, range, request.recurse ? RECURSION_DEPTH : 1)
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
    const stored = await events.byNids(children.map(({ nid }) => nid))
    const shown = new Set(await visibility.shown([...stored.values()], viewer))
    const found: StoredEvent[] = []
    for (const { nid, position } of children) {
      const event = stored.get(nid)
      if (!event || !shown.has(event) || !isWanted(event, parent, request)) continue
      found.push(event)
      if (found.length === request.limit) return { events: found, next: request.direction === 'b' ? position - 1 : position }
    }
    return { events: found, next: undefined }
  }

  /** The relations to an event, and to those that relate to it, down to a depth, in order. */
  async #children(
    { eventId }: StoredEvent,
    direction: 'f' | 'b',
    { after, upTo }: { after: number; upTo: number },
    depth: number,
  ): Promise<Relation[]> {
    const { relations, events } = this.#parts
    const all = new Map<number, Relation>()
    let targets: EventId[] = [eventId]
    for (let level = 0; level < depth && targets.length > 0 && all.size < MAX_SCANNED; level++) {
      const found: Relation[] = []
      for (const target of targets) found.push(...(await relations.of(target, direction, after, upTo, MAX_SCANNED - all.size)))
      const fresh = found.filter(({ nid }) => !all.has(nid))
      for (const relation of fresh) all.set(relation.nid, relation)
      targets =
        level + 1 < depth ? [...(await events.byNids(fresh.map(({ nid }) => nid))).values()].map((child) => child.eventId) : []
    }
    return [...all.values()].sort((a, b) => (direction === 'b' ? b.position - a.position : a.position - b.position))
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
