/** https://spec.matrix.org/v1.19/client-server-api/#reporting-content */
import { type EventId, type RoomId, type ServerName, serverOf, type UserId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { invalidParam, notFound } from '../core/errors.ts'
import { assertWithin } from '../core/quotas.ts'
import type { Requester } from '../core/requester.ts'
import type { Accounts } from '../storage/accounts.ts'
import type { Database } from '../storage/database.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { NewReport, Reports } from '../storage/reports.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { History } from './history.ts'

const MAX_REASON_BYTES = 10_000
const DAY_MS = 86_400_000

export interface ContentReportsParts {
  serverName: ServerName
  clock: Clock
  db: Database
  accounts: Accounts
  rooms: Rooms
  reports: Reports
  memberships: Memberships
  history: History
}

/** Takes in what users want the server's administrators to look at. */
export class ContentReports {
  readonly #parts: ContentReportsParts

  constructor(parts: ContentReportsParts) {
    this.#parts = parts
  }

  /** Servers MUST NOT restrict room reports based on whether the reporting user is joined to the room. Throws M_NOT_FOUND. */
  async reportRoom(reporter: Requester, roomId: RoomId, reason: string): Promise<void> {
    const room = await this.#parts.rooms.find(roomId)
    if (!room) throw notFound('The room was not found')
    await this.#keep(reporter, { roomNid: room.nid, reason })
  }

  /** Reports an event of a room that the reporter is joined to. Throws M_NOT_FOUND. */
  async reportEvent(reporter: Requester, roomId: RoomId, eventId: EventId, reason?: string, score?: number): Promise<void> {
    const event = await this.#parts.history.event(reporter, roomId, eventId)
    const record = await this.#parts.memberships.get(event.room.nid, reporter.userNid)
    if (record?.membership !== 'join') throw notFound('The event was not found or you are not joined to the room')
    await this.#keep(reporter, { roomNid: event.room.nid, eventNid: event.nid, userId: event.sender, reason, score })
  }

  /** Servers MUST NOT restrict user reports based on shared rooms. Throws M_NOT_FOUND for a user of ours who does not exist. */
  async reportUser(reporter: Requester, userId: UserId, reason: string): Promise<void> {
    const { accounts, serverName } = this.#parts
    if (serverOf(userId) === serverName && !(await accounts.find(userId))) throw notFound('The user was not found')
    await this.#keep(reporter, { userId, reason })
  }

  async #keep({ userNid }: Requester, report: Omit<NewReport, 'reporterNid' | 'reportedTs'>): Promise<void> {
    const { db, reports, clock } = this.#parts
    if (Buffer.byteLength(report.reason ?? '') > MAX_REASON_BYTES) throw invalidParam('The reason is too long')
    const now = clock.now()
    assertWithin('reports', (await reports.since(userNid, now - DAY_MS)) + 1)
    await db.write((batch) => reports.add(batch, { ...report, reporterNid: userNid, reportedTs: now }))
  }
}
