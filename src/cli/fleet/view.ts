import { setTimeout } from 'node:timers/promises'
import { type JsonObject, stringAt } from '../../../schemas/json.ts'
import { type FleetUser, objectsIn, textAt } from './user.ts'

const PAGE_SIZE = 1000
const AGREE_WITHIN_MS = 10_000
const ASK_AGAIN_MS = 100

/** A room as one server shows it. */
export interface View {
  readonly server: string
  /** All events, the oldest first. */
  readonly events: readonly JsonObject[]
  /** The ids of the state events, sorted. */
  readonly state: readonly string[]
}

/** The views of all servers as soon as they agree, or those on which they still do not after some seconds. */
export async function settledViews(users: readonly FleetUser[], roomId: string): Promise<View[]> {
  const deadline = performance.now() + AGREE_WITHIN_MS
  for (;;) {
    const views = await Promise.all(users.map((user) => viewOf(user, roomId)))
    if (disagreements(views).length === 0 || performance.now() > deadline) return views
    await setTimeout(ASK_AGAIN_MS)
  }
}

/** What servers lack of what others have, in words; the order of events may differ. */
export function disagreements(views: readonly View[]): string[] {
  const allEvents = new Set(views.flatMap(idsOf))
  const allState = new Set(views.flatMap(({ state }) => state))
  return views.flatMap((view) => {
    const events = allEvents.difference(new Set(idsOf(view))).size
    const state = allState.difference(new Set(view.state)).size
    return [
      ...(events > 0 ? [`${view.server} lacks ${events} of ${allEvents.size} events`] : []),
      ...(state > 0 ? [`${view.server} lacks ${state} of ${allState.size} events of the state`] : []),
    ]
  })
}

export const idsOf = ({ events }: View): string[] => events.map((event) => textAt(event, 'event_id'))

async function viewOf(user: FleetUser, roomId: string): Promise<View> {
  const room = `rooms/${encodeURIComponent(roomId)}`
  const events: JsonObject[] = []
  for (let from: string | undefined = ''; from !== undefined; ) {
    const page: JsonObject = await user.call('GET', `${room}/messages?dir=b&limit=${PAGE_SIZE}${from}`)
    events.push(...objectsIn(page['chunk']))
    const end = stringAt(page, 'end')
    from = end === undefined ? undefined : `&from=${encodeURIComponent(end)}`
  }
  const state = (await user.state(roomId)).map((event) => textAt(event, 'event_id'))
  return { server: user.server.name, events: events.toReversed(), state: state.sort() }
}
