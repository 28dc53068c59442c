/** https://spec.matrix.org/v1.19/client-server-api/#profiles */
import { serverOf, type ServerName, type UserId } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import {
  forbidden,
  guestForbidden,
  invalidParam,
  keyTooLarge,
  missingParam,
  notFound,
  profileTooLarge,
  userSuspended,
} from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Requester } from '../core/requester.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { ProfileFields } from '../storage/profiles.ts'

const MAX_PROFILE_BYTES = 65_536
const MAX_FIELD_BYTES = 255
export const MAX_DISPLAY_NAME_LENGTH = 256
const MAX_LENGTHS: Readonly<Record<string, number>> = { displayname: MAX_DISPLAY_NAME_LENGTH, avatar_url: 1_000, 'm.tz': 128 }
/** The Common Namespaced Identifier Grammar, with a namespace. */
const CUSTOM_FIELD = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)+$/
/** They are known to be fields of every profile, and are shown in rooms. */
const ORIGINAL_FIELDS: ReadonlySet<string> = new Set(['displayname', 'avatar_url'])

/** Asks other servers for the profiles of their users. */
export interface RemoteProfiles {
  /** The whole profile, or an object with just `field`. Throws M_NOT_FOUND or M_FORBIDDEN as the other server says. */
  query(userId: UserId, field?: string): Promise<JsonObject>
}

interface Deps {
  readonly db: Database
  readonly profiles: ProfileFields
  readonly memberships: Pick<Memberships, 'ofUser'>
  readonly serverName: ServerName
  readonly remote: RemoteProfiles
  /** A local user's profile has another value, or none, for the field. Awaited before the client is answered. */
  readonly onProfileChanged: (userId: UserId, field: string) => Promise<void>
}

export class Profiles {
  readonly #deps: Deps
  readonly #queue = new KeyedQueue<UserId>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The whole profile of a user, here or elsewhere. Throws M_NOT_FOUND where there is no such user. */
  async get(userId: UserId): Promise<JsonObject> {
    if (serverOf(userId) !== this.#deps.serverName) return this.#deps.remote.query(userId)
    return Object.fromEntries(await this.#local(userId))
  }

  /**
   * An object with one field of a user's profile. Throws M_NOT_FOUND where it is not set, but for display name and
   * avatar: an object without them is what clients have always got for a user who has none.
   */
  async getField(userId: UserId, field: string): Promise<JsonObject> {
    assertFieldName(field)
    const value = await this.#value(userId, field)
    if (value !== undefined) return { [field]: value }
    if (ORIGINAL_FIELDS.has(field)) return {}
    throw notFound('The profile has no such field')
  }

  /** Sets a field to the value that `body` has for it. */
  async set(requester: Requester, userId: UserId, field: string, body: JsonObject): Promise<void> {
    assertFieldName(field)
    assertMayChange(requester, userId, field)
    const value = Object.hasOwn(body, field) ? body[field] : undefined
    if (value === undefined) throw missingParam(`The body has no ${field}`)
    assertValue(field, value)
    await this.#change(requester, field, ORIGINAL_FIELDS.has(field) && value === '' ? undefined : value)
  }

  async remove(requester: Requester, userId: UserId, field: string): Promise<void> {
    assertFieldName(field)
    assertMayChange(requester, userId, field)
    await this.#change(requester, field, undefined)
  }

  async #change({ userId, userNid }: Requester, field: string, value: Json | undefined): Promise<void> {
    const { db, profiles } = this.#deps
    const hasChanged = await this.#queue.run(userId, async () => {
      const fields = await this.#local(userId)
      if (JSON.stringify(fields.get(field)) === JSON.stringify(value)) return false
      if (value !== undefined) assertFits(new Map(fields).set(field, value))
      const wake = await this.#waker(userNid, field)
      await db.write((batch) => {
        if (value === undefined) profiles.remove(batch, userNid, field)
        else profiles.set(batch, userNid, field, value)
        wake(batch)
      })
      return true
    })
    if (hasChanged) await this.#deps.onProfileChanged(userId, field)
  }

  /** Wakes those who share a room with the user. Where the field is shown in rooms, member events do that. */
  async #waker(userNid: number, field: string): Promise<(batch: Batch) => void> {
    if (ORIGINAL_FIELDS.has(field)) return () => {}
    const records = [...(await this.#deps.memberships.ofUser(userNid)).values()]
    return (batch) => {
      for (const { roomNid, membership } of records) if (membership === 'join') batch.touchRoom(roomNid)
    }
  }

  async #value(userId: UserId, field: string): Promise<Json | undefined> {
    if (serverOf(userId) === this.#deps.serverName) return (await this.#local(userId)).get(field)
    // Another server may tell of more than it was asked for, or of nothing.
    const answer = await this.#deps.remote.query(userId, field)
    return Object.hasOwn(answer, field) ? answer[field] : undefined
  }

  async #local(userId: UserId): Promise<ReadonlyMap<string, Json>> {
    const fields = await this.#deps.profiles.ofUser(userId)
    if (!fields) throw notFound('There is no such user')
    return fields
  }
}

function assertMayChange(requester: Requester, userId: UserId, field: string): void {
  if (requester.userId !== userId) throw forbidden('You may change only your own profile')
  // Guest users may only modify their display name.
  if (requester.isGuest && field !== 'displayname') throw guestForbidden()
  if (requester.isSuspended === true) throw userSuspended()
}

function assertFieldName(field: string): void {
  if (Buffer.byteLength(field) > MAX_FIELD_BYTES) throw keyTooLarge()
  if (!ORIGINAL_FIELDS.has(field) && !CUSTOM_FIELD.test(field)) throw invalidParam('That is not the name of a profile field')
}

function assertValue(field: string, value: Json): void {
  const maxLength = MAX_LENGTHS[field]
  if (maxLength === undefined) return
  if (typeof value !== 'string') throw invalidParam(`${field} must be a string`)
  // It becomes part of member events, where half a surrogate pair cannot be.
  if (!value.isWellFormed()) throw invalidParam(`${field} is not well-formed text`)
  if (value.length > maxLength) throw invalidParam(`${field} is longer than ${maxLength} characters`)
}

/** The total profile MUST be under 64 KiB. */
function assertFits(fields: ReadonlyMap<string, Json>): void {
  if (Buffer.byteLength(JSON.stringify(Object.fromEntries(fields))) >= MAX_PROFILE_BYTES) throw profileTooLarge()
}
