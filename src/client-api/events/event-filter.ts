import { parseJson } from '../../core/json-text.ts'
import type { RoomId } from '../../../schemas/ids.ts'
import { isJsonObject } from '../../../schemas/json.ts'
import { badJson, notJson } from '../../core/errors.ts'
import { EventFilter } from '../../sync/event-filter.ts'

const OPEN = new EventFilter({})
const CLOSED = new EventFilter({ types: [] })

/**
 * The RoomEventFilter of a query parameter, as JSON, for the events of one room; without it, all of them pass.
 * @throws {MatrixError} M_NOT_JSON, M_BAD_JSON
 */
export function eventFilterOf(text: string | undefined, roomId: RoomId): EventFilter {
  if (text === undefined || text === '') return OPEN
  let json: unknown
  try {
    json = parseJson(text)
  } catch {
    throw notJson('The filter is not valid JSON')
  }
  if (!isJsonObject(json)) throw badJson('A filter is an object')
  const filter = new EventFilter(json)
  return filter.allowsRoom(roomId) ? filter : CLOSED
}
