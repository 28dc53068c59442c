/** The filters of lists (MSC4186, `SlidingRoomFilter`). */
import { isRoomId, type RoomId } from '../../../schemas/ids.ts'
import { type JsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import { parseJson } from '../../core/json-text.ts'
import { Turns } from '../../core/slices.ts'
import { SharedResults } from '../../core/shared-results.ts'
import type { StateAtPosition } from '../../rooms/state-at-position.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { StrippedStates } from '../../rooms/stripped-state.ts'
import type { AccountDataEntry, AccountDataTable } from '../../storage/account-data.ts'
import type { MembershipRecord } from '../../storage/memberships.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { DirectRooms } from './direct-rooms.ts'
import type { RoomFilters } from './request.ts'

export interface RoomFiltererParts {
  accountData: AccountDataTable
  rooms: Rooms
  states: RoomStates
  stateAtPosition: StateAtPosition
  strippedStates: StrippedStates
  directRooms: DirectRooms
}

/** What filters ask about a room's state. */
interface Facts {
  readonly type: string | null
  readonly isEncrypted: boolean
}

type Test = (record: MembershipRecord) => boolean | Promise<boolean>

/** Chooses the rooms of lists. */
export class RoomFilterer {
  readonly #parts: RoomFiltererParts
  /** By root of the state. */
  readonly #facts = new SharedResults<number, Facts>(10_000)
  readonly #strippedFacts = new WeakMap<MembershipRecord, Promise<Facts>>()
  /** By root of the space's state. */
  readonly #children = new SharedResults<number, readonly RoomId[]>(200)
  readonly #tags = new WeakMap<AccountDataEntry, readonly string[]>()

  constructor(parts: RoomFiltererParts) {
    this.#parts = parts
  }

  /** Those rooms that pass, in the same order. */
  async matching(
    filters: RoomFilters,
    records: readonly MembershipRecord[],
    userNid: number,
    upTo: number,
  ): Promise<readonly MembershipRecord[]> {
    const tests = await this.#tests(filters, records, userNid, upTo)
    if (tests.length === 0) return records
    const found: MembershipRecord[] = []
    const turns = new Turns()
    for (const record of records) {
      if (await passes(tests, record)) found.push(record)
      if (turns.isDue) await turns.next()
    }
    return found
  }

  /** The cheap ones come first. */
  async #tests(
    filters: RoomFilters,
    records: readonly MembershipRecord[],
    userNid: number,
    upTo: number,
  ): Promise<readonly Test[]> {
    const { isInvite, isDm, isEncrypted, roomTypes, notRoomTypes, spaces } = filters
    const tests: Test[] = []
    if (isInvite !== undefined) tests.push(({ membership }) => (membership === 'invite') === isInvite)
    if (isDm !== undefined) {
      const { rooms } = await this.#parts.directRooms.of(userNid)
      tests.push(({ roomNid }) => rooms.has(roomNid) === isDm)
    }
    if (spaces) {
      const inSpaces = await this.#inSpaces(spaces, records, upTo)
      tests.push(({ roomNid }) => inSpaces.has(roomNid))
    }
    tests.push(...this.#tagTests(filters, userNid))
    if (isEncrypted !== undefined) tests.push(async (record) => (await this.#factsOf(record, upTo)).isEncrypted === isEncrypted)
    if (roomTypes) tests.push(async (record) => roomTypes.includes((await this.#factsOf(record, upTo)).type))
    if (notRoomTypes) tests.push(async (record) => !notRoomTypes.includes((await this.#factsOf(record, upTo)).type))
    return tests
  }

  #tagTests({ tags, notTags }: RoomFilters, userNid: number): Test[] {
    const has = (wanted: ReadonlySet<string>) => async (record: MembershipRecord) =>
      (await this.#tagsOf(userNid, record.roomNid)).some((tag) => wanted.has(tag))
    const hasNot = notTags && has(notTags)
    return [...(tags ? [has(tags)] : []), ...(hasNot ? [async (record: MembershipRecord) => !(await hasNot(record))] : [])]
  }

  async #tagsOf(userNid: number, roomNid: number): Promise<readonly string[]> {
    const entry = await this.#parts.accountData.get(userNid, roomNid, 'm.tag')
    if (!entry) return []
    const known = this.#tags.get(entry) ?? Object.keys(objectAt(parseJson(entry.content) as JsonObject, 'tags') ?? {})
    this.#tags.set(entry, known)
    return known
  }

  /** The server will inspect the m.space.child state events for the JOINED space room IDs given; without subspaces. */
  async #inSpaces(spaces: ReadonlySet<RoomId>, records: readonly MembershipRecord[], upTo: number): Promise<Set<number>> {
    const { rooms } = this.#parts
    const joined = new Set(records.filter(({ membership }) => membership === 'join').map(({ roomNid }) => roomNid))
    const found = new Set<number>()
    const turns = new Turns()
    for (const spaceId of spaces) {
      const space = await rooms.find(spaceId)
      if (!space || !joined.has(space.nid)) continue
      for (const childId of await this.#childrenOf(space.nid, upTo)) {
        const child = await rooms.find(childId)
        if (child) found.add(child.nid)
        if (turns.isDue) await turns.next()
      }
    }
    return found
  }

  async #childrenOf(spaceNid: number, upTo: number): Promise<readonly RoomId[]> {
    const { states, stateAtPosition } = this.#parts
    const root = await stateAtPosition.root(spaceNid, upTo)
    return this.#children.get(root, async () =>
      (await states.all(root, 'm.space.child')).flatMap(({ stateKey = '', content }) =>
        // Without `via` a child has been removed.
        isRoomId(stateKey) && Array.isArray(content['via']) ? [stateKey] : [],
      ),
    )
  }

  #factsOf(record: MembershipRecord, upTo: number): Promise<Facts> {
    if (record.membership === 'join') return this.#factsAt(record.roomNid, upTo)
    const known = this.#strippedFacts.get(record) ?? this.#loadStripped(record)
    this.#strippedFacts.set(record, known)
    return known
  }

  async #factsAt(roomNid: number, upTo: number): Promise<Facts> {
    const { states, stateAtPosition } = this.#parts
    const root = await stateAtPosition.root(roomNid, upTo)
    return this.#facts.get(root, async () => ({
      type: stringAt(await states.content(root, 'm.room.create'), 'type') ?? null,
      isEncrypted: (await states.get(root, 'm.room.encryption')) !== undefined,
    }))
  }

  async #loadStripped(record: MembershipRecord): Promise<Facts> {
    const { state } = await this.#parts.strippedStates.of(record)
    const create = state.find(({ type }) => type === 'm.room.create')
    return {
      type: stringAt((create && objectAt(create, 'content')) ?? {}, 'type') ?? null,
      isEncrypted: state.some(({ type }) => type === 'm.room.encryption'),
    }
  }
}

async function passes(tests: readonly Test[], record: MembershipRecord): Promise<boolean> {
  for (const test of tests) if (!(await test(record))) return false
  return true
}
