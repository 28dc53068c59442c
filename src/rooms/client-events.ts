import type { UserId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import type { ClientTransactions } from '../storage/client-transactions.ts'
import type { Events } from '../storage/events.ts'
import { kindOf } from '../storage/kind.ts'
import type { Names } from '../storage/names.ts'
import type { RedactionsTable } from '../storage/redactions.ts'
import { type StateMaps, UNREAD } from '../storage/state.ts'
import type { StickyEventsTable } from '../storage/sticky-events.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Aggregations, Bundle } from './aggregations.ts'
import type { Erasures } from './erasures.ts'
import { delayIdOf, ofNoDevice } from './transactions.ts'
import { stringAt } from '../../schemas/json.ts'

/** Whose eyes events are serialised for. */
export interface Reader {
  readonly userNid: number
  readonly userId: UserId
  /** The device that asks: it recognises its own events by their transaction ids. */
  readonly deviceNid: number | undefined
}

export interface ClientEventsParts {
  aggregations: Aggregations
  erasures: Pick<Erasures, 'hiddenFrom'>
  clock: Clock
  names: Names
  events: Events
  redactions: RedactionsTable
  maps: StateMaps
  transactions: ClientTransactions
  stickyEventsTable: StickyEventsTable
}

export interface SerialiseOptions {
  /** Everywhere but in /sync, events name their room. */
  withRoomId: boolean
  /** It stands in another event: what has redacted it is not told as well, or redactions of redactions might have no end. */
  isNested?: boolean
  /** Events of these users are shown redacted. */
  redactedOf?: ReadonlySet<string>
  /** What has been redacted shows its content all the same. */
  unredacted?: boolean
}

/**
 * Events as clients get them, as JSON text. What all readers share is serialised once with the event;
 * here follows `unsigned`, which depends on the reader and on the time.
 * https://spec.matrix.org/v1.19/client-server-api/#room-event-format
 */
export class ClientEvents {
  readonly #parts: ClientEventsParts

  constructor(parts: ClientEventsParts) {
    this.#parts = parts
  }

  /** One JSON text an event, in the same order. */
  async texts(events: readonly StoredEvent[], reader: Reader, options: SerialiseOptions): Promise<string[]> {
    const memberships = new MembershipsAt(this.#parts, reader)
    const hidden = await this.#parts.erasures.hiddenFrom(() => [reader.userId], events)
    const now = this.#parts.clock.now()
    const texts: string[] = []
    for (const event of events) {
      const roomId = options.withRoomId ? `,"room_id":${JSON.stringify(event.room.roomId)}` : ''
      const isRedacted = hidden.has(event) || options.redactedOf?.has(event.sender) === true
      const whole = options.unredacted === true ? event.originalClientText : event.clientText
      const text = isRedacted ? event.redactedClientText : whole
      const membership = memberships.known(event.stateAfter) ?? (await memberships.lookUp(event.stateAfter))
      const more = this.#isPlain(event, reader) ? '' : await this.#more(event, reader, options)
      texts.push(`${text}${roomId},"unsigned":{"age":${Math.max(0, now - event.head.originServerTs)}${membership}${more}}}`)
    }
    return texts
  }

  async text(event: StoredEvent, reader: Reader, options: SerialiseOptions): Promise<string> {
    const [text = ''] = await this.texts([event], reader, options)
    return text
  }

  /** Whether it is known, without waiting, that there is no more to tell of an event than most readers are told of most. */
  #isPlain(event: StoredEvent, reader: Reader): boolean {
    if (event.senderNid === reader.userNid || event.stickyMs !== undefined || event.redacted) return false
    if (!event.isState) return this.#parts.aggregations.isAlone(event)
    return this.#parts.maps.peek(event.stateBefore, event.kindNid) === undefined
  }

  /** The members of `unsigned` that single events have. */
  async #more(event: StoredEvent, reader: Reader, options: SerialiseOptions): Promise<string> {
    let more = ''
    // State events are set without transaction ids.
    if (event.senderNid === reader.userNid && reader.deviceNid !== undefined && !event.isState)
      more += await this.#transactionId(event, reader.deviceNid)
    if (event.senderNid === reader.userNid) more += await this.#delayId(event)
    if (event.stickyMs !== undefined) more += await this.#stickyTtl(event)
    if (event.isState) more += await this.#replaced(event, reader)
    if (event.redacted && !options.isNested) more += await this.#redactedBecause(event, reader)
    const bundle = await this.#parts.aggregations.of(event, reader.userNid)
    return bundle ? more + (await this.#bundled(bundle, reader, options)) : more
  }

  async #bundled({ edit, references, thread }: Bundle, reader: Reader, options: SerialiseOptions): Promise<string> {
    const relations: string[] = []
    if (edit) relations.push(`"m.replace":${await this.text(edit, reader, options)}`)
    if (references.length > 0)
      relations.push(`"m.reference":{"chunk":${JSON.stringify(references.map((eventId) => ({ event_id: eventId })))}}`)
    if (thread) {
      const { latest, count, participated } = thread
      const text = await this.text(latest, reader, options)
      relations.push(`"m.thread":{"latest_event":${text},"count":${count},"current_user_participated":${participated}}`)
    }
    return relations.length === 0 ? '' : `,"m.relations":{${relations.join(',')}}`
  }

  async #transactionId(event: StoredEvent, deviceNid: number): Promise<string> {
    const id = await this.#parts.transactions.idOf(deviceNid, event.nid)
    // The id is kept together with its endpoint; what follows the last line break is the client's part.
    return id === undefined ? '' : `,"transaction_id":${JSON.stringify(id.slice(id.indexOf('\n') + 1))}`
  }

  /** The proposal MSC4140: the sender, and nobody else, is told which of their delayed events it is. */
  async #delayId(event: StoredEvent): Promise<string> {
    const id = await this.#parts.transactions.idOf(ofNoDevice(event.senderNid), event.nid)
    const delayId = id === undefined ? undefined : delayIdOf(id)
    return delayId === undefined ? '' : `,"org.matrix.msc4140.delay_id":${JSON.stringify(delayId)}`
  }

  /** MSC4354: for how long an event is still sticky, by our clock. */
  async #stickyTtl({ nid }: StoredEvent): Promise<string> {
    const { stickyEventsTable, clock } = this.#parts
    const ttl = ((await stickyEventsTable.expiry(nid)) ?? 0) - clock.now()
    return ttl <= 0 ? '' : `,"msc4354_sticky_duration_ttl_ms":${ttl}`
  }

  /** What a state event took the place of. */
  async #replaced(event: StoredEvent, reader: Reader): Promise<string> {
    const { maps, events } = this.#parts
    const nid = await maps.find(event.stateBefore, event.kindNid)
    if (nid === undefined || nid === event.nid) return ''
    const before = await events.get(nid)
    const isHidden = (await this.#parts.erasures.hiddenFrom(() => [reader.userId], [before])).size > 0
    const content = JSON.stringify(isHidden ? before.redactedContent : before.content)
    return `,"replaces_state":"${before.eventId}","prev_content":${content},"prev_sender":${JSON.stringify(before.sender)}`
  }

  async #redactedBecause(event: StoredEvent, reader: Reader): Promise<string> {
    const [nid] = await this.#parts.redactions.appliedTo(event.eventId)
    if (nid === undefined) return ''
    const redaction = await this.#parts.events.get(nid)
    return `,"redacted_by":"${redaction.eventId}","redacted_because":${await this.text(redaction, reader, { withRoomId: false, isNested: true })}`
  }
}

/** The reader's membership at events, as a member of `unsigned`: neighbours share their state, so it is looked up once a state. */
class MembershipsAt {
  readonly #parts: ClientEventsParts
  readonly #reader: Reader
  /** Outliers have no state. */
  readonly #known = new Map<number, string>([[0, '']])
  #kind: number | undefined | 'unknown' = 'unknown'

  constructor(parts: ClientEventsParts, reader: Reader) {
    this.#parts = parts
    this.#reader = reader
  }

  /** Undefined where something has to be read for it. */
  known(root: number): string | undefined {
    const known = this.#known.get(root) ?? this.#atHand(root)
    if (known !== undefined) this.#known.set(root, known)
    return known
  }

  async lookUp(root: number): Promise<string> {
    const { names, maps, events } = this.#parts
    if (this.#kind === 'unknown') this.#kind = await names.find(kindOf('m.room.member', this.#reader.userId))
    const nid = this.#kind === undefined ? undefined : await maps.find(root, this.#kind)
    const text = membershipText(nid === undefined ? undefined : await events.get(nid))
    this.#known.set(root, text)
    return text
  }

  #atHand(root: number): string | undefined {
    const { maps, events } = this.#parts
    if (this.#kind === 'unknown') return undefined
    const nid = this.#kind === undefined ? undefined : maps.peek(root, this.#kind)
    if (nid === undefined) return membershipText(undefined)
    const member = nid === UNREAD ? undefined : events.cached(nid)
    return member && membershipText(member)
  }
}

function membershipText(member: StoredEvent | undefined): string {
  return `,"membership":${JSON.stringify((member && stringAt(member.content, 'membership')) ?? 'leave')}`
}
