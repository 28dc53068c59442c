import { type JsonObject, isJsonObject } from '../../../schemas/json.ts'
import { parseJson } from '../../core/json-text.ts'
import type { ReceiptsTable } from '../../storage/receipts.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { Notifier } from '../../streams/notifier.ts'
import type { TypingUsers } from '../../streams/typing.ts'
import type { SyncTurn } from '../request.ts'
import type { ReceiptStream } from '../streams/receipts.ts'
import { typingNews } from '../streams/typing.ts'
import type { ExtendedRoom, ExtensionResult, ExtensionTurn } from './extensions.ts'

export interface EphemeralParts {
  rooms: Rooms
  notifier: Notifier
  receipts: ReceiptsTable
  receiptStream: ReceiptStream
  typingUsers: TypingUsers
}

const NOTHING: ReadonlySet<string> = new Set()

/** Receipts and typing. */
export class EphemeralExtensions {
  readonly #parts: EphemeralParts

  constructor(parts: EphemeralParts) {
    this.#parts = parts
  }

  async receipts(turn: ExtensionTurn, syncTurn: SyncTurn, rooms: Iterable<ExtendedRoom>): Promise<ExtensionResult | undefined> {
    const { receiptStream, notifier } = this.#parts
    const own = await this.#ownReceipts(syncTurn)
    const found: string[] = []
    for (const { roomNid, isNew } of rooms) {
      const { since } = syncTurn
      if (!isNew && since !== undefined && !own.has(roomNid) && !notifier.mayRoomHaveChanged(roomNid, since)) continue
      const shown = turn.results.get(roomNid)?.timeline?.eventIds ?? NOTHING
      const text = isNew
        ? await receiptStream.at(syncTurn, roomNid, shown)
        : (await receiptStream.news(syncTurn, roomNid, false)).text
      if (text !== '') found.push(`${await this.#name(roomNid)}:${oneEvent(text)}`)
    }
    return found.length === 0 ? undefined : { name: 'receipts', text: `{"rooms":{${found.join(',')}}}`, isNews: true }
  }

  async typing(syncTurn: SyncTurn, rooms: Iterable<ExtendedRoom>): Promise<ExtensionResult | undefined> {
    const found: string[] = []
    let isNews = false
    for (const { roomNid, isNew } of rooms) {
      const typed = typingNews(this.#parts.typingUsers, syncTurn, roomNid, isNew)
      if (typed.text === '') continue
      isNews ||= typed.isNews
      found.push(`${await this.#name(roomNid)}:${typed.text}`)
    }
    return found.length === 0 ? undefined : { name: 'typing', text: `{"rooms":{${found.join(',')}}}`, isNews }
  }

  /** The rooms in which the reader has sent private receipts: those do not touch the room. */
  async #ownReceipts({ reader, since, upTo }: SyncTurn): Promise<ReadonlySet<number>> {
    const receipts = since === undefined ? [] : await this.#parts.receipts.privateSince(reader.userNid, since, upTo)
    return new Set(receipts.map(({ roomNid }) => roomNid))
  }

  async #name(roomNid: number): Promise<string> {
    return JSON.stringify((await this.#parts.rooms.get(roomNid)).roomId)
  }
}

/**
 * `/sync` may tell of receipts in several events; here a room has one. Of two receipts of a user at one event, the first stays:
 * the one that is for all threads.
 */
function oneEvent(text: string): string {
  const events = parseJson(`[${text}]`) as JsonObject[]
  if (events.length === 1) return text
  const content: JsonObject = Object.create(null)
  for (const event of events) merge(content, isJsonObject(event['content']) ? event['content'] : {}, RECEIPT_DEPTH)
  return JSON.stringify({ type: 'm.receipt', content })
}

/** Receipts are kept by event, type and user. */
const RECEIPT_DEPTH = 3

function merge(into: JsonObject, from: JsonObject, depth: number): void {
  for (const [key, value] of Object.entries(from)) {
    const known = into[key]
    if (known === undefined) into[key] = isJsonObject(value) ? Object.assign(Object.create(null), value) : value
    else if (depth > 1 && isJsonObject(known) && isJsonObject(value)) merge(known, value, depth - 1)
  }
}
