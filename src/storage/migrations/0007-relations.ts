export const relations = `
-- Events that relate to another one by m.relates_to, under what they relate to, whether or not we have that.
CREATE TABLE relations (
  target BLOB NOT NULL,
  -- Where the child is in its room's timeline.
  position INTEGER NOT NULL,
  event_nid INTEGER NOT NULL,
  rel_type TEXT NOT NULL,
  PRIMARY KEY (target, position)
) WITHOUT ROWID;

-- What users have reported to the server's administrators.
CREATE TABLE reports (
  report_id INTEGER PRIMARY KEY,
  reporter_nid INTEGER NOT NULL,
  -- NULL where a user is reported as such.
  room_nid INTEGER,
  -- NULL where a room or a user is reported as such.
  event_nid INTEGER,
  -- The user reported, or the sender of the event; NULL where a room is reported.
  user_id TEXT,
  reason TEXT,
  score INTEGER,
  reported_ts INTEGER NOT NULL
);
`
