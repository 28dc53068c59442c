import type Sqlite from 'better-sqlite3'
import { authReferences } from '../rebuilt-events.ts'

export const authCitations = `
-- Which state events cite an event as their authorisation: auth chains, from their early ends.
CREATE TABLE auth_citations (cited INTEGER NOT NULL, citing INTEGER NOT NULL,
  -- The kind of the citing event.
  kind_nid INTEGER NOT NULL, PRIMARY KEY (cited, citing)) WITHOUT ROWID;
`

/** Of state events the kind has a NUL between type and state key. */
const STATE_EVENTS = 'SELECT event_nid, kind_nid, body FROM events JOIN names ON nid = kind_nid WHERE instr(name, char(0)) > 0'

/** Enters what the state events cite that are here already. */
export function fillAuthCitations(db: Sqlite.Database): void {
  const nidOf = db.prepare<[Uint8Array], number>('SELECT event_nid FROM events WHERE event_id = ?').pluck()
  const add = db.prepare('INSERT OR IGNORE INTO auth_citations (cited, citing, kind_nid) VALUES (?, ?, ?)')
  const after = db.prepare<[number], { event_nid: number; kind_nid: number; body: Uint8Array }>(
    `${STATE_EVENTS} AND event_nid > ? ORDER BY event_nid LIMIT 1000`,
  )
  for (let rows = after.all(0); rows.length > 0; rows = after.all(rows.at(-1)?.event_nid ?? 0)) {
    for (const { event_nid, kind_nid, body } of rows) {
      for (const reference of authReferences(body)) {
        const cited = typeof reference === 'number' ? reference : nidOf.get(reference)
        if (cited !== undefined) add.run(cited, event_nid, kind_nid)
      }
    }
  }
}
