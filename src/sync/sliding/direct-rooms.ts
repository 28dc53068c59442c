import { type RoomId, isRoomId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { parseJson } from '../../core/json-text.ts'
import { type AccountDataEntry, type AccountDataTable, GLOBAL } from '../../storage/account-data.ts'
import type { Rooms } from '../../storage/rooms.ts'

const NONE: ReadonlySet<number> = new Set()
/** No more rooms of one list are looked up. */
const MAX_ROOMS = 10_000

/** Which rooms users hold direct chats in. https://spec.matrix.org/v1.19/client-server-api/#mdirect */
export class DirectRooms {
  readonly #parts: { accountData: AccountDataTable; rooms: Rooms }
  /** By what the user has said: that is asked for with every answer. */
  readonly #known = new WeakMap<AccountDataEntry, Promise<ReadonlySet<number>>>()

  constructor(parts: { accountData: AccountDataTable; rooms: Rooms }) {
    this.#parts = parts
  }

  /** The nids of those rooms, and when the user last changed that. */
  async of(userNid: number): Promise<{ rooms: ReadonlySet<number>; changedAt: number }> {
    const entry = await this.#parts.accountData.get(userNid, GLOBAL, 'm.direct')
    if (!entry) return { rooms: NONE, changedAt: 0 }
    const rooms = this.#known.get(entry) ?? this.#read(entry)
    this.#known.set(entry, rooms)
    return { rooms: await rooms, changedAt: entry.position }
  }

  async #read({ content }: AccountDataEntry): Promise<ReadonlySet<number>> {
    const listed = Object.values(parseJson(content) as JsonObject).flat()
    const nids = new Set<number>()
    for (const roomId of listed.slice(0, MAX_ROOMS)) {
      if (typeof roomId !== 'string' || !isRoomId(roomId)) continue
      const room = await this.#parts.rooms.find(roomId satisfies RoomId)
      if (room) nids.add(room.nid)
    }
    return nids
  }
}
