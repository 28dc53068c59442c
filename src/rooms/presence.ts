/** https://spec.matrix.org/v1.19/client-server-api/#presence */
import { type ServerName, serverOf, type UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import type { Worker } from '../core/worker.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'
import type { PresenceRecord, PresenceState, PresenceUsers } from '../streams/presence.ts'

/** How long somebody who no longer asks for news counts as there. */
const GRACE_MS = 30_000
/** One who sets a status without ever syncing. */
const STATUS_LASTS_MS = 60_000
const ACTIVE_MS = 300_000
const TICK_MS = 10_000
/** Other servers repeat what holds at least this often, or it holds no longer. */
const REMOTE_LASTS_MS = 30 * 60_000
const REPEAT_MS = 25 * 60_000
const FORGET_MS = 60 * 60_000
/** More than these of one room are not told to a server that comes into it. */
const MAX_PUSHED = 100
const STATUS_KEY = -1

/** Port to other servers: an `m.presence` EDU, best effort. */
export type PresenceSender = (servers: Iterable<ServerName>, push: readonly JsonObject[]) => void

export interface PresenceParts {
  serverName: ServerName
  enabled: boolean
  clock: Clock
  names: Names
  memberships: Memberships
  presenceUsers: PresenceUsers
  sendPresence: PresenceSender
}

/** A device, or the status set by hand, says that its user is there. */
interface Claim {
  readonly presence: PresenceState
  readonly until: number
}

/** What holds a local user's presence up. */
interface Attendance {
  readonly claims: Map<number, Claim>
  /** The user wants to be seen as away for as long as they are there and do nothing. */
  isAway: boolean
  /** They have done something: until then they count as online, whatever their devices say. */
  activeUntil: number
  sentTs: number
}

/** Rooms that somebody has come into, with what others do not know yet. */
interface Arrivals {
  readonly users: Set<number>
  readonly servers: Set<ServerName>
}

export class Presence implements Worker {
  readonly name = 'presence'
  readonly #parts: PresenceParts
  readonly #attendances = new Map<number, Attendance>()
  readonly #arrivals = new Map<number, Arrivals>()

  constructor(parts: PresenceParts) {
    this.#parts = parts
    if (parts.enabled) this.#followJoins()
  }

  /** Whether the server keeps presence at all. */
  get isEnabled(): boolean {
    return this.#parts.enabled
  }

  /** A device asks for news and will ask again within `timeoutMs`. */
  async attend(
    user: Pick<Requester, 'userNid' | 'userId'>,
    device: number,
    presence: PresenceState,
    timeoutMs: number,
  ): Promise<void> {
    if (!this.#parts.enabled || presence === 'offline') return
    const now = this.#parts.clock.now()
    const attendance = this.#attendanceOf(user.userNid)
    attendance.claims.set(device, { presence, until: now + timeoutMs + GRACE_MS })
    await this.#settle(user, attendance, presence === 'online' ? now : undefined, undefined)
  }

  /** The user sets their status. */
  async set(user: Requester, presence: PresenceState, statusMsg: string | undefined): Promise<void> {
    if (!this.#parts.enabled) return
    const now = this.#parts.clock.now()
    const attendance = this.#attendanceOf(user.userNid)
    if (presence === 'offline') attendance.claims.clear()
    else attendance.claims.set(STATUS_KEY, { presence, until: now + STATUS_LASTS_MS })
    attendance.isAway = presence === 'unavailable'
    attendance.activeUntil = 0
    await this.#settle(user, attendance, now, { statusMsg })
  }

  /**
   * The user has done something, such as sending a message. Any activity that bumps the last active time on any of the user's
   * clients will cause the server to automatically set their presence to `online`; but who is not there, or does not want to be
   * seen, stays so.
   */
  active({ userNid, userId }: Requester): void {
    const attendance = this.#attendances.get(userNid)
    if (!attendance) return
    const now = this.#parts.clock.now()
    attendance.isAway = false
    attendance.activeUntil = now + ACTIVE_MS
    this.#settle({ userNid, userId }, attendance, now, undefined).catch(() => {})
  }

  /** Shows a user again, with the name and avatar that they have now. */
  async profileChanged(userId: UserId): Promise<void> {
    const { names, presenceUsers } = this.#parts
    const userNid = await names.find(userId)
    const record = userNid === undefined ? undefined : presenceUsers.get(userNid)
    if (record && record.presence !== 'offline') await presenceUsers.change(record, await this.#readersOf(record.userNid))
  }

  /** The presence of somebody who shares a room with the reader. Throws M_FORBIDDEN. */
  async of(reader: Requester, userId: UserId): Promise<JsonObject> {
    const { names, clock, presenceUsers } = this.#parts
    const userNid = await names.find(userId)
    if (userNid === undefined || !(await this.isVisible(reader.userNid, userNid)))
      throw forbidden('You do not share a room with that user')
    const record = presenceUsers.get(userNid)
    return record ? presenceContent(record, clock.now()) : { presence: 'offline' }
  }

  /** Whether a user may see another one's presence: they are the same, or are in a room together. */
  async isVisible(readerNid: number, userNid: number): Promise<boolean> {
    if (readerNid === userNid) return true
    const { memberships } = this.#parts
    const [own, others] = [await memberships.ofUser(readerNid), await memberships.ofUser(userNid)]
    const [few, many] = own.size < others.size ? [own, others] : [others, own]
    for (const { roomNid, membership } of few.values())
      if (membership === 'join' && many.get(roomNid)?.membership === 'join') return true
    return false
  }

  /** Takes in what another server says of one of its users. */
  async receive(userId: UserId, presence: PresenceState, statusMsg: string | undefined, lastActiveAgo: number): Promise<void> {
    const { names, clock, presenceUsers, enabled } = this.#parts
    const userNid = enabled ? await names.find(userId) : undefined
    if (userNid === undefined) return
    const record = { userNid, userId, presence, statusMsg, lastActiveTs: clock.now() - Math.max(0, lastActiveAgo) }
    const before = presenceUsers.get(userNid)
    if (before?.presence === presence && before.statusMsg === statusMsg) presenceUsers.refresh(record)
    else await presenceUsers.change(record, await this.#readersOf(userNid))
  }

  /** Ends what nobody holds up any more, and repeats to other servers what goes on. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(TICK_MS, signal)
      if (!signal.aborted) await this.#tick(this.#parts.clock.now())
    }
  }

  async #tick(now: number): Promise<void> {
    const { presenceUsers, serverName } = this.#parts
    for (const record of presenceUsers.all()) {
      const { userNid, userId, presence, lastActiveTs = 0 } = record
      const attendance = this.#attendances.get(userNid)
      if (attendance) await this.#settle(record, attendance, undefined, undefined)
      else if (presence !== 'offline' && serverOf(userId) !== serverName && now - lastActiveTs > REMOTE_LASTS_MS)
        await presenceUsers.change({ ...record, presence: 'offline' }, await this.#readersOf(userNid))
      else if (presence === 'offline' && now - lastActiveTs > FORGET_MS) presenceUsers.forget(userNid)
    }
  }

  #attendanceOf(userNid: number): Attendance {
    const attendance = this.#attendances.get(userNid) ?? {
      claims: new Map<number, Claim>(),
      isAway: false,
      activeUntil: 0,
      sentTs: 0,
    }
    this.#attendances.set(userNid, attendance)
    return attendance
  }

  /** Works out what a local user is now, and tells those who may know where it has changed. */
  async #settle(
    { userNid, userId }: Pick<Requester, 'userNid' | 'userId'>,
    attendance: Attendance,
    activeTs: number | undefined,
    status: { statusMsg: string | undefined } | undefined,
  ): Promise<void> {
    const { clock, presenceUsers } = this.#parts
    const now = clock.now()
    for (const [device, { until }] of attendance.claims) if (until <= now) attendance.claims.delete(device)
    const before = presenceUsers.get(userNid)
    const statusMsg = status ? status.statusMsg : before?.statusMsg
    const presence = presenceBy(attendance, now)
    const record = { userNid, userId, presence, statusMsg, lastActiveTs: activeTs ?? before?.lastActiveTs ?? now }
    if (attendance.claims.size === 0) this.#attendances.delete(userNid)
    if (before?.presence === presence && before.statusMsg === statusMsg) {
      presenceUsers.refresh(record)
      if (presence !== 'offline' && now - attendance.sentTs > REPEAT_MS) await this.#tellServers(record, attendance)
      return
    }
    await presenceUsers.change(record, await this.#readersOf(userNid))
    await this.#tellServers(record, attendance)
  }

  async #tellServers(record: PresenceRecord, attendance: Attendance): Promise<void> {
    const { clock, memberships, sendPresence, serverName } = this.#parts
    attendance.sentTs = clock.now()
    const servers = new Set<ServerName>()
    for (const { roomNid, membership } of (await memberships.ofUser(record.userNid)).values()) {
      if (membership !== 'join') continue
      for (const server of (await memberships.members(roomNid)).servers.keys()) servers.add(server)
    }
    servers.delete(serverName)
    sendPresence(servers, [pushOf(record, clock.now())])
  }

  /** Our users who are in a room with a user. */
  async #readersOf(userNid: number): Promise<Set<number>> {
    const { memberships, serverName } = this.#parts
    const readers = new Set<number>()
    for (const { roomNid, membership } of (await memberships.ofUser(userNid)).values()) {
      if (membership !== 'join') continue
      for (const [nid, userId] of (await memberships.members(roomNid)).joined)
        if (serverOf(userId) === serverName) readers.add(nid)
    }
    return readers
  }

  /** Who joins a room is shown to those in it, here and on other servers; and those of us in it to the one who joins. */
  #followJoins(): void {
    const { memberships, presenceUsers, serverName } = this.#parts
    memberships.onSet((batch, roomNid, { nid, userId }, { membership, position }) => {
      if (membership !== 'join') return
      if (presenceUsers.get(nid)) presenceUsers.note(batch, nid, position)
      batch.onSettled((committed) => {
        if (!committed) return
        const arrivals = this.#arrivals.get(roomNid) ?? { users: new Set(), servers: new Set() }
        if (this.#arrivals.size === 0) setImmediate(() => this.#greet().catch(() => {}))
        this.#arrivals.set(roomNid, arrivals)
        if (serverOf(userId) === serverName) arrivals.users.add(nid)
        else arrivals.servers.add(serverOf(userId))
      })
    })
  }

  async #greet(): Promise<void> {
    const { memberships, clock, sendPresence, serverName } = this.#parts
    const rooms = [...this.#arrivals]
    this.#arrivals.clear()
    for (const [roomNid, { users, servers }] of rooms) {
      const { joined, servers: all } = await memberships.members(roomNid)
      if (all.size <= 1 && all.has(serverName)) continue
      const others = [...all.keys()].filter((server) => server !== serverName)
      const here = [...joined.keys()].filter((nid) => this.#attendances.has(nid))
      sendPresence(
        others,
        this.#pushes(
          here.filter((nid) => users.has(nid)),
          clock.now(),
        ),
      )
      sendPresence(servers, this.#pushes(here, clock.now()))
    }
  }

  #pushes(userNids: readonly number[], now: number): JsonObject[] {
    const records = userNids.slice(0, MAX_PUSHED).map((nid) => this.#parts.presenceUsers.get(nid))
    return records.flatMap((record) => (record ? [pushOf(record, now)] : []))
  }
}

/** Any device that is online makes its user so, unless they want to be seen as away, and so does what they do. */
function presenceBy({ claims, isAway, activeUntil }: Attendance, now: number): PresenceState {
  if (claims.size === 0) return 'offline'
  if (activeUntil > now) return 'online'
  if (isAway) return 'unavailable'
  return [...claims.values()].some(({ presence }) => presence === 'online') ? 'online' : 'unavailable'
}

/** The content of an `m.presence` event. */
export function presenceContent({ presence, statusMsg, lastActiveTs }: PresenceRecord, now: number): JsonObject {
  const ago = lastActiveTs === undefined ? undefined : Math.max(0, now - lastActiveTs)
  return {
    presence,
    ...(ago !== undefined && { last_active_ago: ago }),
    ...(statusMsg !== undefined && { status_msg: statusMsg }),
    ...(presence === 'online' && { currently_active: (ago ?? 0) < ACTIVE_MS }),
  }
}

function pushOf(record: PresenceRecord, now: number): JsonObject {
  return { user_id: record.userId, ...presenceContent(record, now) }
}
