import type { UserId } from '../../schemas/ids.ts'
import type { Accounts } from '../storage/accounts.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { StateAtPosition } from './state-at-position.ts'
import type { RoomStates } from './state.ts'

export interface ErasuresParts {
  accounts: Accounts
  states: RoomStates
  stateAtPosition: StateAtPosition
}

/** The users of whom one has to have seen an event: a reader alone, or all that a server has in the room. */
export type Readers = () => readonly UserId[] | Promise<readonly UserId[]>

const NONE: ReadonlySet<StoredEvent> = new Set()

/**
 * Keeps what users sent who had it erased from those who come later: "any users (or servers) which join the room after the
 * erasure request are served redacted copies of the events sent by this account. Users which had visibility on those events
 * prior to the erasure are still able to see unredacted copies."
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export class Erasures {
  readonly #parts: ErasuresParts

  constructor(parts: ErasuresParts) {
    this.#parts = parts
  }

  /** Those of the events of which redacted copies are served. */
  async hiddenFrom(readers: Readers, events: readonly StoredEvent[]): Promise<ReadonlySet<StoredEvent>> {
    const erasures = await this.#parts.accounts.erasures()
    if (erasures.size === 0) return NONE
    const hidden = new Set<StoredEvent>()
    let users: readonly UserId[] | undefined
    for (const event of events) {
      const erasedAt = erasures.get(event.senderNid)
      if (erasedAt === undefined || !isPersonal(event)) continue
      users ??= await readers()
      if (!(await this.#wasSeen(event, erasedAt, users))) hidden.add(event)
    }
    return hidden
  }

  /** Whether one of the users was in the room when the event was sent, or when its sender had it erased. */
  async #wasSeen(event: StoredEvent, erasedAt: number, users: readonly UserId[]): Promise<boolean> {
    if (await this.#isAnyJoined(event.stateAfter, users)) return true
    return this.#isAnyJoined(await this.#parts.stateAtPosition.root(event.room.nid, erasedAt), users)
  }

  async #isAnyJoined(root: number, users: readonly UserId[]): Promise<boolean> {
    const members = await this.#parts.states.many(
      root,
      users.map((userId) => ({ type: 'm.room.member', stateKey: userId })),
    )
    return members.some(({ content }) => content['membership'] === 'join')
  }
}

/** The rest of a room's state says what the room is, to its members and to their clients: without it, encryption would be off. */
function isPersonal(event: StoredEvent): boolean {
  return !event.isState || event.type === 'm.room.member'
}
