import { createHash } from 'node:crypto'
import type Sqlite from 'better-sqlite3'
import { migrations } from './migrations/index.ts'

export interface Migration {
  /** Counts up from 1 without holes; a released migration is never edited. */
  number: number
  name: string
  sql: string
  /** Fills what `sql` has made from what was in the database before. */
  fill?: (db: Sqlite.Database) => void
}

interface Applied {
  number: number
  name: string
  checksum: string
}

/**
 * Brings the schema up to date, each migration in a transaction of its own. Forward only.
 * Throws when the database was written by a newer version of the program, or when a migration that was
 * applied to it reads differently today.
 */
export function migrate(db: Sqlite.Database, known: readonly Migration[] = migrations): void {
  db.exec('CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)')
  const applied = db.prepare('SELECT number, name, checksum FROM migrations ORDER BY number').all() as Applied[]
  for (const row of applied) verify(row, known)
  for (const migration of known.slice(applied.length)) {
    db.transaction(() => {
      db.exec(migration.sql)
      migration.fill?.(db)
      db.prepare('INSERT INTO migrations (number, name, checksum) VALUES (?, ?, ?)').run(
        migration.number,
        migration.name,
        checksum(migration),
      )
    }).immediate()
  }
}

function verify(row: Applied, known: readonly Migration[]): void {
  const migration = known[row.number - 1]
  if (!migration) {
    throw new Error(
      `this database was written by a newer version of Causeway (it has migration ${row.number} "${row.name}", this version knows ${known.length}): ` +
        'start the newer version, or restore a backup from before the upgrade',
    )
  }
  if (checksum(migration) !== row.checksum) {
    throw new Error(
      `migration ${row.number} "${row.name}" of this database is not the one of this version: the program or the database was altered`,
    )
  }
}

function checksum({ sql }: Migration): string {
  return createHash('sha256').update(sql.replaceAll(/\s+/g, ' ')).digest('hex')
}
