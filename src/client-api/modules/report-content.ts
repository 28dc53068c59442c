import { reportEvent, reportRoom, reportUser } from '../../../schemas/client/report-content.ts'
import { type Route, route } from '../../http/route.ts'
import type { ContentReports } from '../../rooms/reports.ts'

export const reportContentRoutes = ({ contentReports }: { contentReports: ContentReports }): Route[] => [
  route(reportRoom, async ({ requester, params, body }) => {
    await contentReports.reportRoom(requester, params.roomId, body.reason)
    return {}
  }),

  route(reportEvent, async ({ requester, params, body: { reason, score } }) => {
    await contentReports.reportEvent(requester, params.roomId, params.eventId, reason, score)
    return {}
  }),

  route(reportUser, async ({ requester, params, body }) => {
    await contentReports.reportUser(requester, params.userId, body.reason)
    return {}
  }),
]
