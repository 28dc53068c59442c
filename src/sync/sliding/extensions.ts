import type { Reader } from '../../rooms/client-events.ts'
import type { ThreadSubscriptions } from '../../rooms/thread-subscriptions.ts'
import type { AccountDataEntry, AccountDataTable } from '../../storage/account-data.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { PushRules } from '../../users/push-rules.ts'
import { encodeToken } from '../../streams/position.ts'
import type { SyncExtension, SyncPart, TurnRooms } from '../extension.ts'
import type { SyncFilters } from '../filters.ts'
import type { SyncTurn } from '../request.ts'
import { accountDataNews, accountDataText } from '../streams/account-data.ts'
import type { ToDeviceStream } from '../streams/to-device.ts'
import type { Known } from './connections.ts'
import { EphemeralExtensions, type EphemeralParts } from './ephemeral.ts'
import type { PagedExtension, RoomExtension, SlidingRequest, SlidingTurn } from './request.ts'
import type { RoomResult } from './room-result.ts'
import { PROFILES, SlidingProfiles, type SlidingProfilesParts } from './profiles.ts'
import type { ScopedRoom } from './scope.ts'
import { STICKY_EVENTS, StickyExtension, type StickyExtensionParts } from './sticky.ts'
import type { MembershipRecord } from '../../storage/memberships.ts'

export interface ExtensionsParts extends EphemeralParts, StickyExtensionParts, SlidingProfilesParts {
  rooms: Rooms
  accountData: AccountDataTable
  pushRules: PushRules
  filters: SyncFilters
  toDeviceStream: Pick<ToDeviceStream, 'begin' | 'messages'>
  deviceListStream: SyncExtension
  keyCountStream: SyncExtension
  threadSubscriptions: ThreadSubscriptions
}

/** The part of an answer that is of one extension. */
export interface ExtensionResult {
  readonly name: ExtensionName
  /** JSON text. */
  readonly text: string
  /** Worth an answer by itself. */
  readonly isNews: boolean
}

export type ExtensionName =
  | 'to_device'
  | 'e2ee'
  | 'account_data'
  | 'receipts'
  | 'typing'
  | typeof THREAD_SUBSCRIPTIONS
  | typeof STICKY_EVENTS
  | typeof PROFILES

/** MSC4308 */
export const THREAD_SUBSCRIPTIONS = 'io.element.msc4308.thread_subscriptions'

/** What extensions look at. */
export interface ExtensionTurn {
  readonly request: SlidingRequest
  readonly turn: SlidingTurn
  readonly known: Known
  readonly scope: ReadonlyMap<number, ScopedRoom>
  /** The rooms of each list, in and out of its window. */
  readonly matching: readonly (readonly MembershipRecord[])[]
  readonly results: ReadonlyMap<number, RoomResult>
}

/** A room that an extension is wanted for. */
export interface ExtendedRoom {
  readonly roomNid: number
  /** The client knows nothing of it from this extension, or has not listened for a while. */
  readonly isNew: boolean
}

const NO_ROOMS: TurnRooms = { joined: [], invited: [], knocked: [], left: [] }

/** What sliding sync tells beside rooms (MSC3884, MSC3885, MSC3959, MSC3960, MSC3961), from the streams of `/sync`. */
export class SlidingExtensions {
  readonly #parts: ExtensionsParts
  readonly #ephemeral: EphemeralExtensions
  readonly #sticky: StickyExtension
  readonly #profiles: SlidingProfiles

  constructor(parts: ExtensionsParts) {
    this.#parts = parts
    this.#ephemeral = new EphemeralExtensions(parts)
    this.#sticky = new StickyExtension(parts)
    this.#profiles = new SlidingProfiles(parts)
  }

  /** Hears of a request before anything is read for it. */
  async begin({ reader, extensions, timeoutMs, setPresence }: SlidingRequest): Promise<void> {
    const { toDeviceStream, filters } = this.#parts
    if (extensions.toDevice?.since === undefined) return
    const filter = await filters.resolve(reader.userNid)
    const request = { reader, filter, since: extensions.toDevice.since, timeoutMs, setPresence }
    await toDeviceStream.begin({ ...request, fullState: false, stateMember: 'state_after' })
  }

  async of(turn: ExtensionTurn): Promise<ExtensionResult[]> {
    const { toDevice, e2ee, accountData, receipts, typing, threadSubscriptions, stickyEvents, profiles } = turn.request.extensions
    const results: (ExtensionResult | undefined)[] = []
    if (toDevice) results.push(await this.#toDevice(turn, toDevice))
    if (e2ee) results.push(await this.#e2ee(turn))
    if (accountData) results.push(await this.#accountData(turn, accountData))
    if (receipts)
      results.push(
        await this.#ephemeral.receipts(turn, await this.#syncTurn(turn, 'receipts'), roomsOf(turn, receipts, 'receipts')),
      )
    if (typing) results.push(await this.#ephemeral.typing(await this.#syncTurn(turn, 'typing'), roomsOf(turn, typing, 'typing')))
    if (threadSubscriptions) results.push(await this.#threadSubscriptions(turn, threadSubscriptions.limit))
    if (profiles)
      results.push(
        await this.#profiles.of(turn, await this.#syncTurn(turn, PROFILES), profiles, roomsOf(turn, profiles, PROFILES)),
      )
    if (stickyEvents) results.push(await this.#sticky.of(turn, await this.#syncTurn(turn, STICKY_EVENTS), stickyEvents))
    return results.filter((result) => result !== undefined)
  }

  async #toDevice(turn: ExtensionTurn, { since, limit }: PagedExtension): Promise<ExtensionResult> {
    const syncTurn = { ...(await this.#syncTurn(turn, 'to_device')), since: since && Math.min(since, turn.turn.upTo) }
    const messages = await this.#parts.toDeviceStream.messages(syncTurn, limit)
    const text = `{"next_batch":"${encodeToken(turn.turn.upTo)}","events":[${messages.join(',')}]}`
    return { name: 'to_device', text, isNews: messages.length > 0 }
  }

  async #e2ee(turn: ExtensionTurn): Promise<ExtensionResult> {
    const { deviceListStream, keyCountStream } = this.#parts
    const syncTurn = await this.#syncTurn(turn, 'e2ee')
    const parts: SyncPart[] = [
      ...(await deviceListStream.parts(syncTurn, NO_ROOMS)),
      ...(await keyCountStream.parts(syncTurn, NO_ROOMS)),
    ]
    const members = parts.map(({ name, text }) => `"${name}":${text}`)
    return { name: 'e2ee', text: `{${members.join(',')}}`, isNews: parts.some(({ isNews }) => isNews) }
  }

  async #accountData(turn: ExtensionTurn, wanted: RoomExtension): Promise<ExtensionResult | undefined> {
    const syncTurn = await this.#syncTurn(turn, 'account_data')
    const { global, byRoom } = await accountDataNews(this.#parts, syncTurn)
    const rooms: string[] = []
    for (const { roomNid, isNew } of roomsOf(turn, wanted, 'account_data')) {
      const entries = isNew ? await this.#allOf(turn.turn.reader, roomNid, byRoom, syncTurn) : (byRoom.get(roomNid) ?? [])
      const text = accountDataText(entries, syncTurn.filter.roomAccountData)
      if (text !== '') rooms.push(`${JSON.stringify((await this.#parts.rooms.get(roomNid)).roomId)}:[${text}]`)
    }
    if (global === '' && rooms.length === 0) return undefined
    return { name: 'account_data', text: `{"global":[${global}],"rooms":{${rooms.join(',')}}}`, isNews: true }
  }

  async #threadSubscriptions(turn: ExtensionTurn, limit: number): Promise<ExtensionResult | undefined> {
    const {
      turn: { reader, upTo },
      known,
    } = turn
    const after = known.told?.extensions.has(THREAD_SUBSCRIPTIONS) ? known.told.position : 0
    const { next, ...changes } = await this.#parts.threadSubscriptions.changes(reader.userNid, { after, upTo }, limit)
    if (isEmpty(changes.subscribed) && isEmpty(changes.unsubscribed)) return undefined
    const text = JSON.stringify({ ...changes, ...(next !== undefined && { prev_batch: encodeToken(next) }) })
    return { name: THREAD_SUBSCRIPTIONS, text, isNews: true }
  }

  async #allOf(
    { userNid }: Reader,
    roomNid: number,
    byRoom: ReadonlyMap<number, readonly AccountDataEntry[]>,
    { since }: SyncTurn,
  ): Promise<readonly AccountDataEntry[]> {
    // Where the extension begins, all that the user keeps has been read at once.
    return since === undefined ? (byRoom.get(roomNid) ?? []) : this.#parts.accountData.ofRoom(userNid, roomNid)
  }

  /** A turn of `/sync` from where the extension was last told something. */
  async #syncTurn({ turn, known, request }: ExtensionTurn, name: ExtensionName): Promise<SyncTurn> {
    const filter = await this.#parts.filters.resolve(request.reader.userNid)
    return { ...turn, filter, since: known.told?.extensions.has(name) ? known.told.position : undefined }
  }
}

const isEmpty = (map: object): boolean => Object.keys(map).length === 0

/** The extensions that a request has on. */
export function enabled({
  toDevice,
  e2ee,
  accountData,
  receipts,
  typing,
  threadSubscriptions,
  stickyEvents,
  profiles,
}: SlidingRequest['extensions']): Set<ExtensionName> {
  const names: [ExtensionName, unknown][] = [
    ['to_device', toDevice],
    ['e2ee', e2ee],
    ['account_data', accountData],
    ['receipts', receipts],
    ['typing', typing],
    [THREAD_SUBSCRIPTIONS, threadSubscriptions],
    [STICKY_EVENTS, stickyEvents],
    [PROFILES, profiles],
  ]
  return new Set(names.flatMap(([name, isOn]) => (isOn ? [name] : [])))
}

/** The joined rooms that the extension is wanted for: by their lists, or as subscriptions. */
function* roomsOf(
  { scope, known, results }: ExtensionTurn,
  { lists, rooms }: RoomExtension,
  name: ExtensionName,
): Generator<ExtendedRoom> {
  const { told } = known
  const wasOn = told?.extensions.has(name) ?? false
  for (const [roomNid, { record, lists: inLists, subscribedAs }] of scope) {
    if (record.membership !== 'join') continue
    const byList = lists.has('*') ? inLists.length > 0 : inLists.some((list) => lists.has(list))
    const bySubscription = subscribedAs !== undefined && (rooms.has('*') || rooms.has(subscribedAs))
    if (!byList && !bySubscription) continue
    yield { roomNid, isNew: !wasOn || !told?.scope.has(roomNid) || results.get(roomNid)?.initial === true }
  }
}
