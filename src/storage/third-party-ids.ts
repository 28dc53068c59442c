import type { UserId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'

const OWNER = `SELECT t.user_nid, n.name FROM user_third_party_ids t JOIN names n ON n.nid = t.user_nid WHERE t.medium = ? AND t.address = ?`
const OF_USER = `SELECT medium, address, validated_ts, added_ts FROM user_third_party_ids WHERE user_nid = ? ORDER BY added_ts, medium, address`
const ADD = `INSERT INTO user_third_party_ids (medium, address, user_nid, validated_ts, added_ts) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (medium, address) DO UPDATE SET validated_ts = excluded.validated_ts WHERE user_nid = excluded.user_nid`
const REMOVE = 'DELETE FROM user_third_party_ids WHERE user_nid = ? AND medium = ? AND address = ?'
const REMOVE_ALL = 'DELETE FROM user_third_party_ids WHERE user_nid = ?'
const BINDINGS = 'SELECT medium, address, id_server FROM identity_bindings WHERE user_nid = ?'
const BIND = 'INSERT INTO identity_bindings (user_nid, medium, address, id_server) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'
const UNBIND = 'DELETE FROM identity_bindings WHERE user_nid = ? AND medium = ? AND address = ? AND id_server = ?'

export type Medium = 'email' | 'msisdn'

/** An address outside of Matrix, in its canonical form. */
export interface Address {
  readonly medium: Medium
  readonly address: string
}

/** Times are milliseconds since the Unix epoch. */
export interface ThirdPartyId extends Address {
  readonly validatedTs: number
  readonly addedTs: number
}

/** An address that an identity server tells others belongs to a user of ours. */
export interface Binding extends Address {
  readonly idServer: string
}

/** The `user_third_party_ids` and `identity_bindings` tables. */
export class ThirdPartyIds {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The user of ours who has the address. */
  async owner({ medium, address }: Address): Promise<{ userNid: number; userId: UserId } | undefined> {
    const row = await this.#db.get<{ user_nid: number; name: UserId }>(OWNER, medium, address)
    return row && { userNid: row.user_nid, userId: row.name }
  }

  async ofUser(userNid: number): Promise<ThirdPartyId[]> {
    const rows = await this.#db.all<{ medium: Medium; address: string; validated_ts: number; added_ts: number }>(OF_USER, userNid)
    return rows.map(({ medium, address, validated_ts, added_ts }) => ({
      medium,
      address,
      validatedTs: validated_ts,
      addedTs: added_ts,
    }))
  }

  /** Gives a user an address, unless another user has it. */
  add(batch: Batch, userNid: number, { medium, address, validatedTs, addedTs }: ThirdPartyId): void {
    batch.run(ADD, medium, address, userNid, validatedTs, addedTs)
  }

  remove(batch: Batch, userNid: number, { medium, address }: Address): void {
    batch.run(REMOVE, userNid, medium, address)
  }

  removeAll(batch: Batch, userNid: number): void {
    batch.run(REMOVE_ALL, userNid)
  }

  async bindings(userNid: number): Promise<Binding[]> {
    const rows = await this.#db.all<{ medium: Medium; address: string; id_server: string }>(BINDINGS, userNid)
    return rows.map(({ medium, address, id_server }) => ({ medium, address, idServer: id_server }))
  }

  addBinding(batch: Batch, userNid: number, { medium, address, idServer }: Binding): void {
    batch.run(BIND, userNid, medium, address, idServer)
  }

  removeBinding(batch: Batch, userNid: number, { medium, address, idServer }: Binding): void {
    batch.run(UNBIND, userNid, medium, address, idServer)
  }
}
