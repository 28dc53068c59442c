/** Sticky events, MSC4480. https://github.com/matrix-org/matrix-spec-proposals/pull/4480 */
import type { Rooms } from '../../storage/rooms.ts'
import { encodeToken } from '../../streams/position.ts'
import type { SyncTurn } from '../request.ts'
import type { EventTexts } from '../event-texts.ts'
import type { PlacedEvent, StickyStream } from '../streams/sticky.ts'
import type { ExtensionResult, ExtensionTurn } from './extensions.ts'
import type { PagedExtension } from './request.ts'

export const STICKY_EVENTS = 'org.matrix.msc4354.sticky_events'

/** As many events in an answer, where clients do not ask for fewer. */
const MAX_EVENTS = 100

export interface StickyExtensionParts {
  rooms: Rooms
  stickyStream: StickyStream
  texts: EventTexts
}

/** Tells clients of sliding sync what is sticky in the rooms of their lists, in or out of the windows, and in those they subscribe to. */
export class StickyExtension {
  readonly #parts: StickyExtensionParts

  constructor(parts: StickyExtensionParts) {
    this.#parts = parts
  }

  async of(turn: ExtensionTurn, syncTurn: SyncTurn, { since = 0, limit }: PagedExtension): Promise<ExtensionResult | undefined> {
    const placed: PlacedEvent[] = []
    for (const { roomNid, began } of this.#rooms(turn)) {
      // To who comes into a room, all that is sticky there is new.
      const isNew = began > since
      for (const { event, position } of await this.#parts.stickyStream.between(roomNid, isNew ? 0 : since, syncTurn))
        placed.push({ event, position: isNew ? Math.max(position, began) : position })
    }
    const page = pageOf(placed, Math.min(limit ?? MAX_EVENTS, MAX_EVENTS))
    const last = page.at(-1)
    if (!last) return undefined
    const rooms = await this.#texts(turn, syncTurn, page)
    const nextBatch = encodeToken(page.length === placed.length ? syncTurn.upTo : last.position)
    return { name: STICKY_EVENTS, text: `{"next_batch":"${nextBatch}","rooms":{${rooms.join(',')}}}`, isNews: rooms.length > 0 }
  }

  #rooms({ matching, scope }: ExtensionTurn) {
    const sticky = this.#parts.stickyStream.rooms()
    if (sticky.size === 0) return []
    const records = [...matching.flat(), ...[...scope.values()].map(({ record }) => record)]
    const wanted = records.filter(({ roomNid, membership }) => membership === 'join' && sticky.has(roomNid))
    return new Map(wanted.map((record) => [record.roomNid, record])).values()
  }

  /** By room, without what the room's timeline tells already. */
  async #texts({ results }: ExtensionTurn, { reader, filter }: SyncTurn, page: readonly PlacedEvent[]): Promise<string[]> {
    const rooms: string[] = []
    const fresh = page.filter(({ event }) => !results.get(event.room.nid)?.timeline?.eventIds.has(event.eventId))
    for (const [{ roomId }, placed] of Map.groupBy(fresh, ({ event }) => event.room)) {
      const text = await this.#parts.texts.of(
        placed.map(({ event }) => event),
        reader,
        filter,
      )
      rooms.push(`${JSON.stringify(roomId)}:{"events":[${text}]}`)
    }
    return rooms
  }
}

/** The oldest events; those of one position stay together, since tokens cannot part them. */
function pageOf(placed: readonly PlacedEvent[], limit: number): PlacedEvent[] {
  const ordered = [...placed].sort((a, b) => a.position - b.position)
  const last = ordered[limit - 1]
  return last ? ordered.filter(({ position }) => position <= last.position) : ordered
}
