/** https://spec.matrix.org/v1.19/client-server-api/#user-directory */
import { type ServerName, serverOf, type UserId } from '../../schemas/ids.ts'
import { type Json, stringAt } from '../../schemas/json.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { matchAll, wantedWords, wordsOf } from '../core/words.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'
import type { DirectoryUser, UserDirectoryTable } from '../storage/user-directory.ts'
import type { RoomPreviews } from './preview.ts'
import type { ProfileSource } from './membership/member-content.ts'
import type { StateAtPosition } from './state-at-position.ts'

const MAX_RESULTS = 50
/** How many matches one search looks through for those whom the searcher may find. */
const MAX_MATCHES = 1_000
const MAX_NAME = 256
/** How many users are written down at once. */
const SLICE = 200

export interface UserDirectoryParts {
  serverName: ServerName
  db: Database
  names: Names
  events: Events
  memberships: Memberships
  profileFields: ProfileSource
  userDirectoryTable: UserDirectoryTable
  roomPreviews: RoomPreviews
  stateAtPosition: StateAtPosition
}

export interface DirectoryResults {
  readonly users: readonly DirectoryUser[]
  /** There are more. */
  readonly isLimited: boolean
}

/** Where a user was last seen. */
interface Seen {
  readonly userNid: number
  readonly userId: UserId
  readonly roomNid: number
}

/** Finds users by their names: those whom the searcher shares a room with, and those in rooms that are open to everybody. */
export class UserDirectory {
  readonly #parts: UserDirectoryParts
  readonly #queue = new KeyedQueue<'directory'>()
  #seen = new Map<number, Seen>()

  constructor(parts: UserDirectoryParts) {
    this.#parts = parts
    parts.memberships.onSet((batch, roomNid, { nid, userId }, { membership }) => {
      if (membership === 'join') batch.onSettled((committed) => committed && this.#note({ userNid: nid, userId, roomNid }))
    })
  }

  async search(searcher: Requester, term: string, limit: number): Promise<DirectoryResults> {
    await this.#queue.run('directory', () => this.#update())
    const words = wantedWords(term)
    if (words.length === 0) return { users: [], isLimited: false }
    const wanted = Math.min(limit, MAX_RESULTS)
    const { userDirectoryTable } = this.#parts
    const matches = await userDirectoryTable.search(matchAll(words, true), term.toLowerCase(), MAX_MATCHES)
    const users: DirectoryUser[] = []
    for (const match of matches) {
      if (!(await this.#mayFind(searcher, match))) continue
      if (users.length === wanted) return { users, isLimited: true }
      users.push(match)
    }
    return { users, isLimited: matches.length === MAX_MATCHES }
  }

  /** The profile of one of our users has changed. */
  async profileChanged(userId: UserId): Promise<void> {
    const userNid = await this.#parts.names.find(userId)
    if (userNid !== undefined) this.#note({ userNid, userId, roomNid: 0 })
  }

  #note(seen: Seen): void {
    if (this.#seen.size === 0) setImmediate(() => this.#queue.run('directory', () => this.#update()).catch(() => {}))
    this.#seen.set(seen.userNid, seen)
  }

  /** Writes down what has changed. */
  async #update(): Promise<void> {
    const { db, userDirectoryTable } = this.#parts
    while (this.#seen.size > 0) {
      const slice = [...this.#seen.values()].slice(0, SLICE)
      for (const { userNid } of slice) this.#seen.delete(userNid)
      const users = await Promise.all(slice.map((seen) => this.#entry(seen)))
      await db.write((batch) => {
        for (const user of users)
          if (user) userDirectoryTable.set(batch, user, wordsOf(`${user.displayName ?? ''} ${user.userId.slice(1)}`).join(' '))
      })
    }
  }

  /** Our users go by their profiles, whatever they are called in one room; others by what the room says. */
  async #entry({ userNid, userId, roomNid }: Seen): Promise<DirectoryUser | undefined> {
    const { serverName, profileFields, memberships, events } = this.#parts
    if (serverOf(userId) === serverName) {
      const fields = await profileFields.ofUser(userId)
      return { userNid, userId, displayName: textOf(fields?.get('displayname')), avatarUrl: textOf(fields?.get('avatar_url')) }
    }
    const record = await memberships.get(roomNid, userNid)
    if (!record) return undefined
    const { content } = await events.get(record.eventNid)
    const displayName = textOf(stringAt(content, 'displayname'))
    return { userNid, userId, displayName, avatarUrl: textOf(stringAt(content, 'avatar_url')) }
  }

  async #mayFind(searcher: Requester, { userNid }: DirectoryUser): Promise<boolean> {
    const { memberships } = this.#parts
    const own = await memberships.ofUser(searcher.userNid)
    const theirs = [...(await memberships.ofUser(userNid)).values()].filter(({ membership }) => membership === 'join')
    if (userNid !== searcher.userNid && theirs.some(({ roomNid }) => own.get(roomNid)?.membership === 'join')) return true
    for (const { roomNid } of theirs) if (await this.#isOpen(roomNid)) return true
    return false
  }

  async #isOpen(roomNid: number): Promise<boolean> {
    const { db, stateAtPosition, roomPreviews, memberships, serverName } = this.#parts
    // Of a room that all of us have left it is not known what became of it.
    if (!(await memberships.members(roomNid)).servers.has(serverName)) return false
    const { joinRule, isWorldReadable } = await roomPreviews.of(await stateAtPosition.root(roomNid, db.position))
    return joinRule === 'public' || isWorldReadable
  }
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_NAME) : undefined
}
