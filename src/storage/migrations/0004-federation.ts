export const federation = `
-- What waits to be sent to other servers: rows are durable with what caused them, and go when the other side has them.
CREATE TABLE outbox_events (
  destination TEXT NOT NULL,
  event_nid INTEGER NOT NULL,
  PRIMARY KEY (destination, event_nid)
) WITHOUT ROWID;

CREATE TABLE outbox_edus (
  destination TEXT NOT NULL,
  position INTEGER NOT NULL,
  edu TEXT NOT NULL,
  PRIMARY KEY (destination, position)
) WITHOUT ROWID;

-- Transactions of other servers that we have answered: one that is repeated gets the same answer.
CREATE TABLE inbound_transactions (
  origin TEXT NOT NULL,
  transaction_id TEXT NOT NULL,
  received_ts INTEGER NOT NULL,
  answer TEXT NOT NULL,
  PRIMARY KEY (origin, transaction_id)
) WITHOUT ROWID;
`
