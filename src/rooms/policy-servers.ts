/**
 * Rooms may have a policy server: a server that looks at every event and signs those that it recommends.
 * https://spec.matrix.org/v1.19/server-server-api/#policy-servers
 */
import { isServerName, type ServerName } from '../../schemas/ids.ts'
import { type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { MatrixError } from '../core/errors.ts'
import type { Event } from '../protocol/event.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room } from '../storage/rooms.ts'
import type { RoomHeads } from './heads.ts'
import type { RoomStates } from './state.ts'

/** The policy server of a room, as the state of the room names it. */
export interface PolicyServer {
  readonly via: ServerName
  /** Its Ed25519 key, in base64; nobody but the room has said that it is one. */
  readonly publicKey: string
}

/** The port through which rooms reach policy servers. */
export interface PolicySigner {
  /** Whether an event carries the valid signature of a policy server. */
  isSigned(event: Event, server: PolicyServer): Promise<boolean>

  /**
   * Asks a policy server to sign an event; gives the event with the signature, which has been checked.
   * @param isForUser a user waits for it: a server that failed lately is asked all the same
   * @throws {MatrixError} what the policy server refuses with, or 502 where it does not answer
   */
  sign(event: Event, server: PolicyServer, isForUser: boolean): Promise<Event>
}

/** A received event, with the signature that it got here where it came without one. */
export interface VettedEvent {
  readonly event: Event
  /** Why the policy server does not recommend it. */
  readonly refusal?: string
}

export interface PolicyServersParts {
  heads: RoomHeads
  states: RoomStates
  memberships: Memberships
  policySigner: PolicySigner
}

type Subject = Pick<Event, 'type' | 'stateKey'>

const POLICY = 'm.room.policy'
/** As servers before the specification had it, with one `public_key`. */
const OLD_POLICY = 'org.matrix.msc4284.policy'
const STATE = [POLICY, OLD_POLICY].map((type) => ({ type, stateKey: '' }))

export class PolicyServers {
  readonly #parts: PolicyServersParts

  constructor(parts: PolicyServersParts) {
    this.#parts = parts
  }

  /** The policy server that has to sign an event of a room; undefined where none has to. */
  async of(room: Room, subject: Subject): Promise<PolicyServer | undefined> {
    if (isExempt(subject)) return undefined
    const { heads, states, memberships } = this.#parts
    const kinds = await states.kinds(STATE)
    if (kinds.length === 0) return undefined
    const found = await states.ofKinds((await heads.get(room)).stateRoot, kinds)
    const server = namedBy(found.find(({ type }) => type === POLICY) ?? found[0])
    if (server === undefined) return undefined
    // Nobody can be made a room's policy server who is not in it.
    return (await memberships.members(room.nid)).servers.has(server.via) ? server : undefined
  }

  /**
   * An event of ours as the room's policy server has signed it. Not under the room's lock.
   * @throws {MatrixError} as `PolicySigner.sign`
   */
  async signed(room: Room, event: Event): Promise<Event> {
    const server = await this.of(room, event)
    return server === undefined ? event : this.#parts.policySigner.sign(event, server, true)
  }

  /**
   * What the room's policy server thinks of a received event. Not under the room's lock.
   * @param isWorthAsking whether an event that it has not signed is allowed here at all
   */
  async vet(room: Room, event: Event, isWorthAsking: () => Promise<boolean>): Promise<VettedEvent> {
    const { policySigner } = this.#parts
    const server = await this.of(room, event)
    if (server === undefined || (await policySigner.isSigned(event, server)) || !(await isWorthAsking())) return { event }
    try {
      return { event: await policySigner.sign(event, server, false) }
    } catch (cause) {
      if (!(cause instanceof MatrixError)) throw cause
      return { event, refusal: cause.message }
    }
  }
}

/** What says who the policy server is can be changed without it: else nobody could be rid of one that does not answer. */
function isExempt({ type, stateKey }: Subject): boolean {
  return stateKey === '' && (type === POLICY || type === OLD_POLICY)
}

/** The policy server that a state event names, where that is valid. */
function namedBy(event: { readonly type: string; readonly content: JsonObject } | undefined): PolicyServer | undefined {
  if (event === undefined) return undefined
  const { type, content } = event
  const via = stringAt(content, 'via')
  const publicKey =
    type === POLICY ? stringAt(objectAt(content, 'public_keys') ?? {}, 'ed25519') : stringAt(content, 'public_key')
  return via !== undefined && isServerName(via) && publicKey !== undefined ? { via, publicKey } : undefined
}
