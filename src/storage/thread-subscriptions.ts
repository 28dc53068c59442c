import type { Batch, Database } from './database.ts'
import { StreamIndex } from './stream-index.ts'

const COLUMNS = 'room_nid, root_nid, subscribed, automatic, position'
const GET = `SELECT ${COLUMNS} FROM thread_subscriptions WHERE user_nid = ? AND root_nid = ?`
const SUBSCRIBERS = 'SELECT user_nid FROM thread_subscriptions WHERE root_nid = ? AND subscribed = 1'
const CHANGES = `SELECT ${COLUMNS} FROM thread_subscriptions WHERE user_nid = ? AND position > ? AND position <= ?
  ORDER BY position DESC LIMIT ?`
const SET = `INSERT INTO thread_subscriptions (user_nid, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_nid, root_nid)
  DO UPDATE SET subscribed = excluded.subscribed, automatic = excluded.automatic, position = excluded.position`

/** Whether a user follows a thread. */
export interface ThreadSubscription {
  readonly roomNid: number
  /** The event that the thread began with. */
  readonly rootNid: number
  readonly isSubscribed: boolean
  /** A client subscribed by itself, because of a mention. */
  readonly isAutomatic: boolean
  /** Of the last change. */
  readonly position: number
}

interface SubscriptionRow {
  room_nid: number
  root_nid: number
  subscribed: number
  automatic: number
  position: number
}

/** The `thread_subscriptions` table: one row for each user and thread that was ever followed. */
export class ThreadSubscriptionsTable {
  readonly #db: Database
  readonly #changes: StreamIndex<number>

  constructor(db: Database) {
    this.#db = db
    this.#changes = new StreamIndex(db.position)
  }

  async find(userNid: number, rootNid: number): Promise<ThreadSubscription | undefined> {
    const row = await this.#db.get<SubscriptionRow>(GET, userNid, rootNid)
    return row && toSubscription(row)
  }

  /** The nids of all who are subscribed to a thread. */
  async subscribers(rootNid: number): Promise<Set<number>> {
    const rows = await this.#db.all<{ user_nid: number }>(SUBSCRIBERS, rootNid)
    return new Set(rows.map(({ user_nid }) => user_nid))
  }

  /** Up to `limit` of a user's subscriptions that have changed with `after < position <= upTo`: the last of them, the newest first. */
  async changed(userNid: number, after: number, upTo: number, limit: number): Promise<ThreadSubscription[]> {
    if (after > 0 && !this.#changes.mayHaveChanged(userNid, after)) return []
    return (await this.#db.all<SubscriptionRow>(CHANGES, userNid, after, upTo, limit)).map(toSubscription)
  }

  set(
    batch: Batch,
    userNid: number,
    { roomNid, rootNid, isSubscribed, isAutomatic }: Omit<ThreadSubscription, 'position'>,
  ): void {
    const position = batch.nextPosition()
    batch.run(SET, userNid, roomNid, rootNid, Number(isSubscribed), Number(isAutomatic), position)
    batch.touchUser(userNid)
    batch.onSettled((committed) => {
      if (committed) this.#changes.set(userNid, position)
    })
  }
}

function toSubscription({ room_nid, root_nid, subscribed, automatic, position }: SubscriptionRow): ThreadSubscription {
  return { roomNid: room_nid, rootNid: root_nid, isSubscribed: subscribed === 1, isAutomatic: automatic === 1, position }
}
