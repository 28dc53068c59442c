export const stickyEvents = `
-- Events that are sticky until expires_ts, and when they became so; soft-failed ones have no position until they are allowed.
CREATE TABLE sticky_events (
  event_nid INTEGER PRIMARY KEY,
  room_nid INTEGER NOT NULL,
  sender_nid INTEGER NOT NULL,
  position INTEGER,
  expires_ts INTEGER NOT NULL
);
CREATE INDEX sticky_events_by_room ON sticky_events (room_nid, position);
CREATE INDEX sticky_events_by_sender ON sticky_events (room_nid, sender_nid);
CREATE INDEX sticky_events_by_expiry ON sticky_events (expires_ts);
ALTER TABLE delayed_events ADD COLUMN sticky_ms INTEGER;
`
