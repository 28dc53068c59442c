import { RecentCache } from '../core/recent-cache.ts'
import type { Clock } from '../core/clock.ts'
import type { Aggregations } from '../rooms/aggregations.ts'
import type { ClientEvents, Reader } from '../rooms/client-events.ts'
import { type StoredEvent, weightOf } from '../storage/stored-event.ts'
import type { EventTexts } from './event-texts.ts'
import type { SyncTurn } from './request.ts'
import type { SectionContent } from './section-contents.ts'

/** For how long a text is shared among readers: it holds the age of its events. */
const SHARE_TEXT_MS = 1_000

export interface SharedTextsParts {
  clock: Clock
  texts: EventTexts
  clientEvents: ClientEvents
  aggregations: Pick<Aggregations, 'isPersonal'>
}

interface SharedText {
  /** Undefined where readers are told different things. */
  readonly text: Promise<string | undefined>
  readonly madeAt: number
}

/** Events of contents that many readers get, as text: those who sent none of a shared content share one text, unless it tells them different things. */
export class SharedTexts {
  readonly #parts: SharedTextsParts
  readonly #texts = new RecentCache<readonly StoredEvent[], SharedText>({
    max: 2_000,
    maxWeight: 16_000_000,
    weightOf: (_, events) => weightOf(events),
  })

  constructor(parts: SharedTextsParts) {
    this.#parts = parts
  }

  /** One event in the form for clients. */
  single(event: StoredEvent, reader: Reader): Promise<string> {
    return this.#parts.clientEvents.text(event, reader, { withRoomId: false })
  }

  /** Some events of a content as the members of a JSON array. */
  async of(turn: SyncTurn, content: SectionContent, events: readonly StoredEvent[]): Promise<string> {
    if (events.length === 0) return ''
    const { reader, filter } = turn
    const isShared = content.isForAll && events === content.timeline.events && !content.senders.has(reader.userNid)
    const shared = isShared ? await this.#shared(turn, events) : undefined
    return shared ?? this.#parts.texts.of(events, reader, filter)
  }

  /** Whether all readers who sent none of these events, which are all for everybody, get the same text. */
  async isForAll(turn: SyncTurn, events: readonly StoredEvent[]): Promise<boolean> {
    return events.length === 0 || (await this.#shared(turn, events)) !== undefined
  }

  #shared({ reader, filter }: SyncTurn, events: readonly StoredEvent[]): Promise<string | undefined> {
    const { texts, clock, aggregations } = this.#parts
    const shared = this.#texts.get(events)
    if (shared && clock.now() - shared.madeAt < SHARE_TEXT_MS) return shared.text
    const make = async () => ((await aggregations.isPersonal(events)) ? undefined : texts.of(events, reader, filter))
    const text = make()
    this.#texts.set(events, { text, madeAt: clock.now() })
    return text
  }
}
