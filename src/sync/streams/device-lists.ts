import type { UserId } from '../../../schemas/ids.ts'
import type { StateAtPosition } from '../../rooms/state-at-position.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { DeviceListsTable } from '../../storage/device-lists.ts'
import type { MembershipRecord, Memberships } from '../../storage/memberships.ts'
import type { Names } from '../../storage/names.ts'
import type { Notifier } from '../../streams/notifier.ts'
import type { StreamRange } from '../../streams/position.ts'
import type { SyncExtension, SyncPart } from '../extension.ts'
import type { SyncRequest } from '../request.ts'
import { recordsOf } from '../turn-rooms.ts'

export interface DeviceListStreamParts {
  deviceListTable: DeviceListsTable
  memberships: Memberships
  names: Names
  states: RoomStates
  stateAtPosition: StateAtPosition
  notifier: Notifier
}

interface Watcher {
  readonly userNid: number
  readonly userId: UserId
}

export interface DeviceListChanges {
  /** Users whose devices are to be asked for again. */
  changed: string[]
  /** Users with whom no room is shared any more. */
  left: string[]
}

/**
 * Whose devices have changed, as the reader has to know. Every shared room counts, encrypted or not: a client may keep
 * track of the people of a room before it is encrypted, and those whom it does not track it passes over.
 * https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user
 */
export class DeviceListStream implements SyncExtension {
  readonly #parts: DeviceListStreamParts

  constructor(parts: DeviceListStreamParts) {
    this.#parts = parts
  }

  async parts({ reader, since }: SyncRequest): Promise<SyncPart[]> {
    if (since === undefined) return []
    const { changed, left } = await this.changes(reader, since)
    if (changed.length + left.length === 0) return []
    // As other servers do it, an empty list is left out: there are clients that take its presence for news.
    const text = JSON.stringify({ ...(changed.length > 0 && { changed }), ...(left.length > 0 && { left }) })
    return [{ name: 'device_lists', text, isNews: true }]
  }

  /** What has changed after one position and, as far as it has not changed again, up to another. */
  async changes(reader: Watcher, since: number, upTo = Number.MAX_SAFE_INTEGER): Promise<DeviceListChanges> {
    const { deviceListTable, memberships, names, notifier } = this.#parts
    const { userNid } = reader
    const changed = new Set<number>()
    const left = new Set<number>()
    const records = await memberships.ofUser(userNid)
    const changedRooms = notifier.roomsSince(userNid, since)
    for (const record of changedRooms ? recordsOf(records, changedRooms) : [...records.values()]) {
      if (record.began > upTo) continue
      if (record.membership !== 'join') await this.#addLeftRoom(left, reader, record, since)
      else if (record.began > since) await this.#addMembers(changed, record.roomNid)
      else if (notifier.mayRoomHaveChanged(record.roomNid, since))
        await this.#addMoves(changed, left, record.roomNid, { after: since, upTo })
    }
    changed.delete(userNid)
    for (const nid of await deviceListTable.privatelyChangedSince(userNid, since, upTo)) changed.add(nid)
    for (const nid of await deviceListTable.partedSince(userNid, since, upTo)) left.add(nid)
    for (const nid of await deviceListTable.changedSince(since, upTo))
      if (nid === userNid || (await this.#isIn(nid, records))) changed.add(nid)
    for (const nid of left) if (nid === userNid || (await this.#isIn(nid, records))) left.delete(nid)
    const named = await names.namesOf([...changed, ...left])
    const namesOf = (nids: Iterable<number>) => [...nids].flatMap((nid) => named.get(nid) ?? [])
    return { changed: namesOf(changed), left: namesOf(left) }
  }

  async #addMembers(users: Set<number>, roomNid: number): Promise<void> {
    for (const nid of (await this.#parts.memberships.members(roomNid)).joined.keys()) users.add(nid)
  }

  /** Who has come into a room in which the reader was already, and who has gone. Clients encrypt for those invited, too. */
  async #addMoves(changed: Set<number>, left: Set<number>, roomNid: number, { after, upTo }: StreamRange): Promise<void> {
    for (const { userNid, membership, began } of await this.#parts.memberships.begunSince(roomNid, after))
      if (began <= upTo) (membership === 'join' || membership === 'invite' ? changed : left).add(userNid)
  }

  /** The people of a room that the reader has left. */
  async #addLeftRoom(left: Set<number>, reader: Watcher, record: MembershipRecord, since: number): Promise<void> {
    const { roomNid, membership, began } = record
    if (began <= since || (membership !== 'leave' && membership !== 'ban')) return
    const { states, stateAtPosition, memberships } = this.#parts
    const before = await stateAtPosition.root(roomNid, since)
    if ((await states.membership(before, reader.userId)) !== 'join') return
    await this.#addMembers(left, roomNid)
    for (const { userNid } of await memberships.begunSince(roomNid, since)) left.add(userNid)
  }

  /** Whether a user is joined to one of the rooms that somebody with these memberships is joined to. */
  async #isIn(userNid: number, others: ReadonlyMap<number, MembershipRecord>): Promise<boolean> {
    const records = await this.#parts.memberships.ofUser(userNid)
    for (const { roomNid, membership } of records.values())
      if (membership === 'join' && others.get(roomNid)?.membership === 'join') return true
    return false
  }
}
