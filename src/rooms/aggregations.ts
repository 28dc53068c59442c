/** https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events */
import type { EventId } from '../../schemas/ids.ts'
import { isJsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import type { ChildSummaries, ThreadSummary } from '../storage/child-summaries.ts'
import type { Events } from '../storage/events.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { IgnoredUsers } from '../users/ignored-users.ts'

export interface AggregationsParts {
  events: Events
  memberships: Memberships
  names: Names
  ignoredUsers: IgnoredUsers
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

  /** Whether it is known, without looking, that nothing is told with an event. */
  isAlone(event: StoredEvent): boolean {
    return event.isState || this.#parts.childSummaries.isAlone(event.eventId)
  }

  /** What members of the room are told of an event's children with it; undefined for nothing. */
  async of(event: StoredEvent, userNid: number): Promise<Bundle | undefined> {
    if (event.isState) return undefined
    const { childSummaries, memberships, ignoredUsers } = this.#parts
    const { edits, references, thread } = await childSummaries.of(event.eventId, event.room.nid)
    if (edits.length === 0 && references.length === 0 && !thread) return undefined
    // Children may be from after the time that one who has left may see.
    if ((await memberships.get(event.room.nid, userNid))?.membership !== 'join') return undefined
    const ignored = await ignoredUsers.of(userNid)
    return {
      // Edits are of the event's own sender.
      edit: ignored.has(event.sender) ? undefined : await this.#edit(event, edits),
      references: await this.#references(references, ignored),
      thread: thread && (await this.#thread(event, thread, userNid, ignored)),
    }
  }

  /** Whether the bundle of one of the events may tell different readers different things. */
  async isPersonal(events: readonly StoredEvent[]): Promise<boolean> {
    for (const event of events) {
      if (event.isState) continue
      const { references, thread } = await this.#parts.childSummaries.of(event.eventId, event.room.nid)
      if (thread || references.length > 0) return true
    }
    return false
  }

  async #references(nids: readonly number[], ignored: ReadonlySet<string>): Promise<EventId[]> {
    const events = await this.#parts.events.byNids(nids)
    return [...events.values()].flatMap(({ eventId, sender }) => (ignored.has(sender) ? [] : [eventId]))
  }

  /** The most recent valid replacement: that with the largest timestamp, and of several of those, with the largest id. */
  async #edit(original: StoredEvent, nids: readonly number[]): Promise<StoredEvent | undefined> {
    if (nids.length === 0 || original.redacted || relTypeOf(original) === 'm.replace') return undefined
    const edits = [...(await this.#parts.events.byNids(nids)).values()].filter((edit) => isValidEdit(original, edit))
    return edits.reduce<StoredEvent | undefined>((last, edit) => (last && isNewer(last, edit) ? last : edit), undefined)
  }

  async #thread(
    root: StoredEvent,
    summary: ThreadSummary,
    userNid: number,
    ignored: ReadonlySet<string>,
  ): Promise<BundledThread | undefined> {
    // Only what has no relation itself can be the root of a thread.
    if (relTypeOf(root) !== undefined) return undefined
    const latest = await this.#latest(summary, ignored)
    if (!latest) return undefined
    const participated = root.senderNid === userNid || summary.bySender.has(userNid)
    return { latest, count: await this.#count(summary, ignored), participated }
  }

  /** The most recent event in the thread sent by an un-ignored user. */
  async #latest({ latest }: ThreadSummary, ignored: ReadonlySet<string>): Promise<StoredEvent | undefined> {
    for (const nid of latest.toReversed()) {
      const event = await this.#parts.events.get(nid)
      if (!ignored.has(event.sender)) return event
    }
    return undefined
  }

  /** It does not include events sent by ignored users. */
  async #count({ count, bySender }: ThreadSummary, ignored: ReadonlySet<string>): Promise<number> {
    if (ignored.size === 0) return count
    let wanted = count
    for (const [nid, name] of await this.#parts.names.namesOf(bySender.keys()))
      if (ignored.has(name)) wanted -= bySender.get(nid) ?? 0
    return wanted
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
