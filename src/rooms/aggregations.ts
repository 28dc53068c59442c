/** https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events */
import type { EventId } from '../../schemas/ids.ts'
import { isJsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import type { ChildSummaries, ThreadSummary } from '../storage/child-summaries.ts'
import type { Events } from '../storage/events.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { StoredEvent } from '../storage/stored-event.ts'

export interface AggregationsParts {
  events: Events
  memberships: Memberships
  childSummaries: ChildSummaries
}

/** What is bundled with an event. */
export interface Bundle {
  readonly edit: StoredEvent | undefined
  readonly references: readonly EventId[]
  readonly thread: BundledThread | undefined
}

export interface BundledThread {
  readonly latest: StoredEvent
  readonly count: number
  readonly participated: boolean
}

export class Aggregations {
  readonly #parts: AggregationsParts

  constructor(parts: AggregationsParts) {
    this.#parts = parts
  }

  /** What members of the room are told of an event's children with it; undefined for nothing. */
  async of(event: StoredEvent, userNid: number): Promise<Bundle | undefined> {
    if (event.isState) return undefined
    const { childSummaries, memberships } = this.#parts
    const { edits, references, thread } = await childSummaries.of(event.eventId, event.room.nid)
    if (edits.length === 0 && references.length === 0 && !thread) return undefined
    // Children may be from after the time that one who has left may see.
    if ((await memberships.get(event.room.nid, userNid))?.membership !== 'join') return undefined
    return {
      edit: await this.#edit(event, edits),
      references: [...(await this.#parts.events.byNids(references)).values()].map(({ eventId }) => eventId),
      thread: thread && (await this.#thread(event, thread, userNid)),
    }
  }

  /** Whether the bundle of one of the events tells different readers different things. */
  async isPersonal(events: readonly StoredEvent[]): Promise<boolean> {
    for (const event of events)
      if (!event.isState && (await this.#parts.childSummaries.of(event.eventId, event.room.nid)).thread) return true
    return false
  }

  /** The most recent valid replacement: that with the largest timestamp, and of several of those, with the largest id. */
  async #edit(original: StoredEvent, nids: readonly number[]): Promise<StoredEvent | undefined> {
    if (nids.length === 0 || original.redacted || relTypeOf(original) === 'm.replace') return undefined
    const edits = [...(await this.#parts.events.byNids(nids)).values()].filter((edit) => isValidEdit(original, edit))
    return edits.reduce<StoredEvent | undefined>((last, edit) => (last && isNewer(last, edit) ? last : edit), undefined)
  }

  async #thread(
    root: StoredEvent,
    { latest, count, bySender }: ThreadSummary,
    userNid: number,
  ): Promise<BundledThread | undefined> {
    // Only what has no relation itself can be the root of a thread.
    const nid = latest.at(-1)
    if (nid === undefined || relTypeOf(root) !== undefined) return undefined
    const last = await this.#parts.events.get(nid)
    return { latest: last, count, participated: root.senderNid === userNid || bySender.has(userNid) }
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#validity-of-replacement-events */
function isValidEdit(original: StoredEvent, edit: StoredEvent): boolean {
  if (edit.redacted || edit.isState || edit.senderNid !== original.senderNid || edit.type !== original.type) return false
  return edit.type === 'm.room.encrypted' || isJsonObject(edit.content['m.new_content'])
}

function isNewer(a: StoredEvent, b: StoredEvent): boolean {
  const difference = a.head.originServerTs - b.head.originServerTs
  return difference === 0 ? a.eventId > b.eventId : difference > 0
}

function relTypeOf({ content }: StoredEvent): string | undefined {
  return stringAt(objectAt(content, 'm.relates_to') ?? {}, 'rel_type')
}
