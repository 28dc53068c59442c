import { SharedResults } from '../../core/shared-results.ts'
import type { Names } from '../../storage/names.ts'
import type { Receipt, ReceiptsTable } from '../../storage/receipts.ts'
import type { SyncTurn } from '../request.ts'
import { NO_NEWS, type RoomNews } from './typing.ts'

type Content = Record<string, Record<string, Record<string, { ts: number; thread_id?: string }>>>

/** The `m.receipt` of rooms. https://spec.matrix.org/v1.19/client-server-api/#mreceipt */
export class ReceiptStream {
  readonly #table: ReceiptsTable
  readonly #names: Names
  /** What all readers of a room get, by the receipts that it holds. */
  readonly #texts = new SharedResults<string, string>(2_000)

  constructor(table: ReceiptsTable, names: Names) {
    this.#table = table
    this.#names = names
  }

  /** @param isNew the client knows nothing of the room yet */
  async news(turn: SyncTurn, roomNid: number, isNew: boolean): Promise<RoomNews> {
    const { since, upTo, reader, ignored } = turn
    const all = isNew || since === undefined ? await this.#table.ofRoom(roomNid) : await this.#table.since(roomNid, since, upTo)
    const receipts = await this.#without(ignored, all)
    if (receipts.length === 0) return NO_NEWS
    const own = receipts.filter(({ userNid }) => userNid === reader.userNid)
    if (!turn.filter.ephemeral.passes({ type: 'm.receipt' })) return { text: '', isNews: own.length > 0 }
    const forAll = receipts.filter(({ type }) => type === 'm.read')
    const shared = ignored.size === 0 ? await this.#shared(roomNid, forAll) : await this.#text(forAll)
    // Servers MUST NOT send the m.read.private receipt to any other user than the one which originally sent it.
    const secret = await this.#text(own.filter(({ type }) => type === 'm.read.private'))
    const text = [shared, secret].filter((part) => part !== '').join(',')
    return { text, isNews: text !== '' }
  }

  /** The receipts at some events, and all of the reader's own: for one who gets to know a room. */
  async at({ reader, ignored }: SyncTurn, roomNid: number, events: ReadonlySet<string>): Promise<string> {
    const receipts = (await this.#table.ofRoom(roomNid)).filter(
      ({ userNid, type, eventId }) => userNid === reader.userNid || (type === 'm.read' && events.has(eventId)),
    )
    return this.#text(await this.#without(ignored, receipts))
  }

  /** Those of users whom the reader does not ignore. */
  async #without(ignored: ReadonlySet<string>, receipts: readonly Receipt[]): Promise<readonly Receipt[]> {
    if (ignored.size === 0) return receipts
    const names = await this.#names.namesOf(receipts.map(({ userNid }) => userNid))
    return receipts.filter(({ userNid }) => !ignored.has(names.get(userNid) ?? ''))
  }

  async #shared(roomNid: number, receipts: readonly Receipt[]): Promise<string> {
    const first = receipts[0]
    const last = receipts.at(-1)
    if (!first || !last) return ''
    const key = `${roomNid} ${first.position} ${last.position} ${receipts.length}`
    return this.#texts.get(key, () => this.#text(receipts))
  }

  /** One event, or several where a user has receipts of several threads at the same event. */
  async #text(receipts: readonly Receipt[]): Promise<string> {
    if (receipts.length === 0) return ''
    const names = await this.#names.namesOf(receipts.map(({ userNid }) => userNid))
    const contents: Content[] = []
    // Who reads one event only has the receipts that are for all threads.
    const unthreadedFirst = [...receipts.filter(({ thread }) => thread === ''), ...receipts.filter(({ thread }) => thread !== '')]
    for (const receipt of unthreadedFirst) add(contents, receipt, names.get(receipt.userNid) ?? '')
    return contents.map((content) => JSON.stringify({ type: 'm.receipt', content })).join(',')
  }
}

function add(contents: Content[], { eventId, type, thread, ts }: Receipt, userId: string): void {
  let content = contents.find((candidate) => candidate[eventId]?.[type]?.[userId] === undefined)
  if (!content) contents.push((content = {}))
  const users = ((content[eventId] ??= {})[type] ??= {})
  users[userId] = thread === '' ? { ts } : { ts, thread_id: thread }
}
