export const federation = `
-- What waits to be sent to other servers: rows are durable with what caused them, and go when the other side has them.
CREATE TABLE outbox_events (
  destination TEXT NOT NULL,
  event_nid INTEGER NOT NULL,
  PRIMARY KEY (destination, event_nid)
) WITHOUT ROWID;
`
