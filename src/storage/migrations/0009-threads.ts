export const threads = `
-- The threads of rooms, by the position of the last event in each.
CREATE TABLE threads (room_nid INTEGER NOT NULL, root BLOB NOT NULL, latest INTEGER NOT NULL, PRIMARY KEY (room_nid, root)) WITHOUT ROWID;
CREATE INDEX threads_by_latest ON threads (room_nid, latest);
INSERT INTO threads (room_nid, root, latest)
  SELECT e.room_nid, r.target, max(r.position) FROM relations r JOIN events e ON e.event_nid = r.event_nid
  WHERE r.rel_type = 'm.thread' GROUP BY e.room_nid, r.target;
`
