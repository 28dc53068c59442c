/** Sticky events, MSC4480. https://github.com/matrix-org/matrix-spec-proposals/pull/4480 */
import type { Rooms } from '../../storage/rooms.ts'
import type { ToldStickyEvent } from '../../storage/sticky-events.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import { encodeToken } from '../../streams/position.ts'
import type { SyncTurn } from '../request.ts'
import type { EventTexts } from '../event-texts.ts'
import type { StickyStream } from '../streams/sticky.ts'
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
    const all: ToldStickyEvent[] = []
    for (const { roomNid, began } of this.#rooms(turn)) {
      // To who comes into a room, all that is sticky there is new.
      const isNew = began > since
      for (const { nid, position } of await this.#parts.stickyStream.between(roomNid, isNew ? 0 : since, syncTurn.upTo))
        all.push({ nid, position: isNew ? Math.max(position, began) : position })
    }
    const page = pageOf(all, Math.min(limit ?? MAX_EVENTS, MAX_EVENTS))
    const last = page.at(-1)
    if (!last) return undefined
    const rooms = await this.#texts(turn, syncTurn, page)
    const hasMore = page.length < all.length
    const nextBatch = encodeToken(hasMore ? last.position : syncTurn.upTo)
    const text = `{"next_batch":"${nextBatch}","rooms":{${rooms.join(',')}}}`
    return { name: STICKY_EVENTS, text, isNews: hasMore || rooms.length > 0 }
  }

  #rooms({ matching, scope }: ExtensionTurn) {
    const sticky = this.#parts.stickyStream.rooms()
    if (sticky.size === 0) return []
    const records = [...matching.flat(), ...[...scope.values()].map(({ record }) => record)]
    const wanted = records.filter(({ roomNid, membership }) => membership === 'join' && sticky.has(roomNid))
    return new Map(wanted.map((record) => [record.roomNid, record])).values()
  }

  /** By room, without what the room's timeline tells already. */
  async #texts({ results }: ExtensionTurn, turn: SyncTurn, page: readonly ToldStickyEvent[]): Promise<string[]> {
    const { stickyStream, texts } = this.#parts
    const rooms: string[] = []
    const isFresh = ({ room, eventId }: StoredEvent) => !results.get(room.nid)?.timeline?.eventIds.has(eventId)
    const fresh = (await stickyStream.events(page, turn)).filter(isFresh)
    for (const [{ roomId }, events] of Map.groupBy(fresh, ({ room }) => room)) {
      const text = await texts.of(events, turn.reader, turn.filter)
      rooms.push(`${JSON.stringify(roomId)}:{"events":[${text}]}`)
    }
    return rooms
  }
}

/** The oldest events; those of one position stay together, since tokens cannot part them. */
function pageOf(all: readonly ToldStickyEvent[], limit: number): readonly ToldStickyEvent[] {
  const ordered = [...all].sort((a, b) => a.position - b.position)
  const last = ordered[limit - 1]
  return last ? ordered.filter(({ position }) => position <= last.position) : ordered
}
