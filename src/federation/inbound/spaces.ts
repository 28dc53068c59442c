/** https://spec.matrix.org/v1.19/server-server-api/#spaces */
import type { RoomId, ServerName } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { notFound } from '../../core/errors.ts'
import { childOf, type RoomOverviews, strippedChild } from '../../rooms/overviews.ts'

export interface InboundSpacesParts {
  overviews: RoomOverviews
}

/** What other servers are told of spaces. */
export interface ToldSpace {
  readonly room: JsonObject
  readonly children: readonly JsonObject[]
  /** Children that this server knows and the other one may not see. */
  readonly hidden: readonly RoomId[]
}

export class InboundSpaces {
  readonly #parts: InboundSpacesParts

  constructor(parts: InboundSpacesParts) {
    this.#parts = parts
  }

  /** A room with the children that this server knows. Throws M_NOT_FOUND for a room that the server may not see. */
  async tell(origin: ServerName, roomId: RoomId, suggestedOnly: boolean): Promise<ToldSpace> {
    const { overviews } = this.#parts
    const room = await overviews.resident(roomId)
    const summary = room && (await overviews.summary(room))
    if (!summary || !(await overviews.mayServerSee(summary, room, origin))) throw notFound(`The room ${roomId} was not found`)
    const events = summary['room_type'] === 'm.space' ? await overviews.children(room, suggestedOnly) : []
    const children: JsonObject[] = []
    const hidden: RoomId[] = []
    for (const event of events) {
      const childId = childOf(event)?.roomId
      const child = childId && (await overviews.resident(childId))
      if (!child) continue
      const told = await overviews.summary(child)
      if (await overviews.mayServerSee(told, child, origin)) children.push(told)
      else hidden.push(childId)
    }
    return { room: { ...summary, children_state: events.map(strippedChild) }, children, hidden }
  }
}
