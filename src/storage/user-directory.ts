import type { UserId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'

const SET = `INSERT INTO directory_users (user_nid, user_id, display_name, avatar_url, words) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (user_nid) DO UPDATE SET display_name = excluded.display_name, avatar_url = excluded.avatar_url, words = excluded.words
  WHERE display_name IS NOT excluded.display_name OR avatar_url IS NOT excluded.avatar_url`
const REMOVE = 'DELETE FROM directory_users WHERE user_nid = ?'
const SEARCH = `SELECT user_nid, user_id, display_name, avatar_url FROM directory_users
  WHERE user_nid IN (SELECT rowid FROM directory_words WHERE directory_words MATCH ? LIMIT ?)
  ORDER BY lower(display_name) IS NOT ?, user_nid`

/** A user as the directory shows them. */
export interface DirectoryUser {
  readonly userNid: number
  readonly userId: UserId
  readonly displayName: string | undefined
  readonly avatarUrl: string | undefined
}

/** The `directory_users` table and its full-text index. */
export class UserDirectoryTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** @param words what the user is found by */
  set(batch: Batch, { userNid, userId, displayName, avatarUrl }: DirectoryUser, words: string): void {
    batch.run(SET, userNid, userId, displayName ?? null, avatarUrl ?? null, words)
  }

  remove(batch: Batch, userNid: number): void {
    batch.run(REMOVE, userNid)
  }

  /** Up to `limit` users that match an FTS5 query; those come first whose display name is exactly `name`, in lower case. */
  async search(query: string, name: string, limit: number): Promise<DirectoryUser[]> {
    const rows = await this.#db.all<{
      user_nid: number
      user_id: UserId
      display_name: string | null
      avatar_url: string | null
    }>(SEARCH, query, limit, name)
    return rows.map((row) => ({
      userNid: row.user_nid,
      userId: row.user_id,
      displayName: row.display_name ?? undefined,
      avatarUrl: row.avatar_url ?? undefined,
    }))
  }
}
