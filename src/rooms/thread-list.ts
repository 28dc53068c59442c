/** https://spec.matrix.org/v1.19/client-server-api/#querying-threads-in-a-room */
import type { RoomId } from '../../schemas/ids.ts'
import type { ChildSummaries } from '../storage/child-summaries.ts'
import type { Events } from '../storage/events.ts'
import type { Relations } from '../storage/relations.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomViews } from './room-view.ts'
import type { Viewer, Visibility } from './visibility.ts'

/** How many threads one request looks through for those that are wanted and visible. */
const MAX_SCANNED = 1_000
const CHUNK = 100

export interface ThreadListParts {
  events: Events
  relations: Relations
  childSummaries: ChildSummaries
  roomViews: RoomViews
  visibility: Visibility
}

export interface ThreadsPage {
  readonly roots: readonly StoredEvent[]
  /** Position to go on from; undefined where there is nothing more. */
  readonly next: number | undefined
}

export class ThreadList {
  readonly #parts: ThreadListParts

  constructor(parts: ThreadListParts) {
    this.#parts = parts
  }

  /** Roots of a room's threads, those first in which something was said last. Throws M_FORBIDDEN. */
  async page(
    viewer: Viewer,
    roomId: RoomId,
    from: number | undefined,
    limit: number,
    participated: boolean,
  ): Promise<ThreadsPage> {
    const { relations, roomViews } = this.#parts
    const { room, upTo } = await roomViews.of(viewer, roomId)
    const roots: StoredEvent[] = []
    let position = Math.min(from ?? upTo, upTo)
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += CHUNK) {
      const threads = await relations.threads(room.nid, position, CHUNK)
      for (const { root, latest } of threads) {
        position = latest - 1
        const event = await this.#visible(viewer, root)
        if (!event || event.room.nid !== room.nid || (participated && !(await this.#hasPart(event, viewer)))) continue
        roots.push(event)
        if (roots.length === limit) return { roots, next: position }
      }
      if (threads.length < CHUNK) return { roots, next: undefined }
    }
    return { roots, next: position }
  }

  async #visible(viewer: Viewer, root: Uint8Array): Promise<StoredEvent | undefined> {
    const { events, visibility } = this.#parts
    const event = await events.byStoredId(root)
    return event && (await visibility.visible([event], viewer))[0]
  }

  async #hasPart({ eventId, room, senderNid }: StoredEvent, { userNid }: Viewer): Promise<boolean> {
    if (senderNid === userNid) return true
    return (await this.#parts.childSummaries.of(eventId, room.nid)).thread?.bySender.has(userNid) === true
  }
}
