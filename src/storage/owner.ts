import Sqlite from 'better-sqlite3'
import { OperatorError } from '../core/operator-error.ts'

/** Another process owns the database file. */
export class DatabaseInUse extends OperatorError {
  override name = 'DatabaseInUse'
}

/**
 * Makes this process the owner of a database file until `close` is called or the process ends, however it does.
 * Positions and nids are counted in memory, so two processes over one file would destroy it.
 * @throws {DatabaseInUse} when another process owns it
 */
export function ownDatabase(path: string): { close(): void } {
  const lock = new Sqlite(`${path}.lock`, { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch {
    lock.close()
    throw new DatabaseInUse(`The database ${path} is in use by another Causeway process: stop that one first`)
  }
  return { close: () => lock.close() }
}
