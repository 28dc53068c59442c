import {
  getDelayedEvent,
  getDelayedEvents,
  manageDelayedEvent,
  manageDelayedEventByBody,
  scheduleDelayedEvent,
} from '../../../schemas/client/delayed-events.ts'
import type { BodyOf } from '../../../schemas/endpoint.ts'
import { delayTooLong } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { DelayedEvents } from '../../rooms/delayed-events.ts'

export const delayedEventsRoutes = ({ delayedEvents }: { delayedEvents: DelayedEvents }): Route[] => [
  route(scheduleDelayedEvent, async ({ requester, params, query, body, bodyText }) => {
    const { roomId, eventType: type, txnId } = params
    const { delay_ms: delayMs, state_key: stateKey, content }: BodyOf<typeof scheduleDelayedEvent> = body
    const stickyMs = query['org.matrix.msc4354.sticky_duration_ms']
    const given = { content, text: bodyText, originServerTs: query.ts, stickyMs }
    const wanted = { roomId, type, stateKey, given, delayMs, txnId, tooLong: delayTooLong }
    return { delay_id: await delayedEvents.schedule(requester, wanted) }
  }),
  route(getDelayedEvents, async ({ requester }) => ({ delayed_events: await delayedEvents.scheduledBy(requester) })),
  route(getDelayedEvent, ({ requester, params }) => delayedEvents.get(requester, params.delayId)),
  route(manageDelayedEvent, async ({ params }) => {
    await delayedEvents.manage(params.delayId, params.action)
    return {}
  }),
  route(manageDelayedEventByBody, async ({ params, body }) => {
    await delayedEvents.manage(params.delayId, body.action)
    return {}
  }),
]
