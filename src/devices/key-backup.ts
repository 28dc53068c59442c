/** https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
import type { Json } from '../../schemas/json.ts'
import { invalidParam, notFound, wrongRoomKeysVersion } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { assertWithin } from '../core/quotas.ts'
import type { Database } from '../storage/database.ts'
import type { BackedUpKey, KeyBackup, KeyBackupTable, KeyRange } from '../storage/key-backup.ts'

/** The answer to changes of a backup's keys. */
export interface BackupState {
  etag: string
  count: number
}

export interface BackupInfo extends BackupState {
  algorithm: string
  auth_data: Json
  version: string
}

/** What a new version or the update of one says. */
export interface BackupRequest {
  algorithm: string
  auth_data: Json
  version?: string
}

/** Users' backups of the keys to what they can read, encrypted by their clients. */
export class KeyBackups {
  readonly #db: Database
  readonly #table: KeyBackupTable
  readonly #queue = new KeyedQueue<number>()

  constructor({ db, keyBackupTable }: { db: Database; keyBackupTable: KeyBackupTable }) {
    this.#db = db
    this.#table = keyBackupTable
  }

  /** Begins a new version; answers its name. Throws M_TOO_LARGE for one too many. */
  create(userNid: number, { algorithm, auth_data: authData }: BackupRequest): Promise<string> {
    return this.#queue.run(userNid, async () => {
      assertWithin('key backups', (await this.#table.count(userNid)) + 1)
      const version = (await this.#table.lastVersion(userNid)) + 1
      await this.#db.write((batch) => this.#table.add(batch, userNid, version, algorithm, authData))
      return String(version)
    })
  }

  /** The newest version, or the one asked for. Throws M_NOT_FOUND. */
  async info(userNid: number, version?: string): Promise<BackupInfo> {
    const backup = version === undefined ? await this.#table.current(userNid) : await this.#find(userNid, version)
    if (!backup) throw notFound('There is no backup')
    return { algorithm: backup.algorithm, auth_data: backup.authData, version: String(backup.version), ...stateOf(backup) }
  }

  /** Changes what is kept beside the keys. Throws M_NOT_FOUND, and M_INVALID_PARAM for another algorithm or version. */
  update(userNid: number, version: string, request: BackupRequest): Promise<void> {
    return this.#queue.run(userNid, async () => {
      const backup = await this.#find(userNid, version)
      if ((request.version ?? version) !== version) throw invalidParam('The versions differ')
      if (request.algorithm !== backup.algorithm) throw invalidParam('The algorithm of a backup cannot be changed')
      await this.#db.write((batch) => this.#table.setAuthData(batch, userNid, backup.version, request.auth_data))
    })
  }

  /** Deletes a version with its keys; one that was deleted before stays so. Throws M_NOT_FOUND. */
  delete(userNid: number, version: string): Promise<void> {
    return this.#queue.run(userNid, async () => {
      const number = numberOf(version)
      const backup = number === undefined ? undefined : await this.#table.get(userNid, number)
      if (!backup) throw notFound('There is no such backup')
      if (!backup.deleted) await this.#db.write((batch) => this.#table.delete(batch, userNid, backup.version))
    })
  }

  /** Throws M_NOT_FOUND where there is no such version. */
  async keys(userNid: number, version: string, range: KeyRange): Promise<BackedUpKey[]> {
    const backup = await this.#find(userNid, version)
    return this.#table.keys(userNid, backup.version, range)
  }

  /** Adds keys where they are better than those that are there. Throws M_NOT_FOUND, and M_WRONG_ROOM_KEYS_VERSION. */
  put(userNid: number, version: string, keys: readonly BackedUpKey[]): Promise<BackupState> {
    return this.#queue.run(userNid, async () => {
      const current = await this.#table.current(userNid)
      if (!current) throw notFound('There is no backup')
      if (String(current.version) !== version) throw wrongRoomKeysVersion(String(current.version))
      const sessions = keys.map(({ roomId, sessionId }) => [roomId, sessionId] as const)
      const known = new Map((await this.#table.find(userNid, current.version, sessions)).map((key) => [nameOf(key), key]))
      const better = keys.filter((key) => isBetter(key, known.get(nameOf(key))))
      const added = better.filter((key) => !known.has(nameOf(key))).length
      return this.#resize(userNid, current, current.size + added, better)
    })
  }

  /** Removes keys from any version that there is. Throws M_NOT_FOUND. */
  remove(userNid: number, version: string, range: KeyRange): Promise<BackupState> {
    return this.#queue.run(userNid, async () => {
      const backup = await this.#find(userNid, version)
      const removed = (await this.#table.keys(userNid, backup.version, range)).length
      if (removed === 0) return stateOf(backup)
      return this.#resize(userNid, backup, backup.size - removed, [], range)
    })
  }

  async #resize(
    userNid: number,
    backup: KeyBackup,
    size: number,
    added: readonly BackedUpKey[],
    removed?: KeyRange,
  ): Promise<BackupState> {
    if (added.length === 0 && !removed) return stateOf(backup)
    const { version } = backup
    const revision = backup.revision + 1
    await this.#db.write((batch) => {
      for (const key of added) this.#table.setKey(batch, userNid, version, key)
      if (removed) this.#table.removeKeys(batch, userNid, version, removed)
      this.#table.setSize(batch, userNid, version, revision, size)
    })
    return stateOf({ revision, size })
  }

  async #find(userNid: number, version: string): Promise<KeyBackup> {
    const number = numberOf(version)
    const backup = number === undefined ? undefined : await this.#table.get(userNid, number)
    if (!backup || backup.deleted) throw notFound('There is no such backup')
    return backup
  }
}

const stateOf = ({ revision, size }: Pick<KeyBackup, 'revision' | 'size'>): BackupState => ({
  etag: String(revision),
  count: size,
})
const nameOf = ({ roomId, sessionId }: BackedUpKey): string => `${roomId}\0${sessionId}`

/** Undefined for what is no version of ours. */
function numberOf(version: string): number | undefined {
  return /^[1-9][0-9]{0,14}$/.test(version) ? Number(version) : undefined
}

/**
 * If the keys have different values for is_verified, then it will keep the key that has is_verified set to true; if they
 * have the same, the key with a lower first_message_index; and finally the key with a lower forwarded_count.
 */
function isBetter(key: BackedUpKey, known: BackedUpKey | undefined): boolean {
  if (!known) return true
  if (key.isVerified !== known.isVerified) return key.isVerified
  if (key.firstMessageIndex !== known.firstMessageIndex) return key.firstMessageIndex < known.firstMessageIndex
  return key.forwardedCount < known.forwardedCount
}
