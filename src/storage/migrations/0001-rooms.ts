export const rooms = `
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('position', 0);

-- Every text that rows refer to often: user ids, servers, key ids, event types, and (type, state key) pairs.
CREATE TABLE names (nid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE rooms (
  room_nid INTEGER PRIMARY KEY,
  room_id TEXT NOT NULL UNIQUE,
  version TEXT NOT NULL,
  -- Forward extremities as varints of event nids; NULL for a room that we know only from an invite or a knock.
  extremities BLOB,
  -- Root of the current state; 0 is the empty state.
  state_root INTEGER NOT NULL DEFAULT 0,
  published INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX rooms_published ON rooms (room_nid) WHERE published = 1;

-- kind is a name: the type of a message event, or type and state key of a state event.
CREATE TABLE events (
  event_nid INTEGER PRIMARY KEY,
  event_id BLOB NOT NULL UNIQUE,
  room_nid INTEGER NOT NULL,
  kind_nid INTEGER NOT NULL,
  sender_nid INTEGER NOT NULL,
  -- 0 accepted, 1 outlier, 2 soft-failed, 3 rejected; + 8 where it has been redacted
  standing INTEGER NOT NULL,
  -- Roots of the state before and, for an accepted state event, after it; NULL for an outlier.
  state_before INTEGER,
  state_after INTEGER,
  body BLOB NOT NULL
);

-- The order in which clients see a room; negative positions are what was filled in from before our time.
CREATE TABLE timeline (
  room_nid INTEGER NOT NULL,
  position INTEGER NOT NULL,
  event_nid INTEGER NOT NULL,
  PRIMARY KEY (room_nid, position)
) WITHOUT ROWID;

CREATE INDEX timeline_by_event ON timeline (event_nid);

-- Prev events that we do not have: where history before ours goes on.
CREATE TABLE backward_extremities (
  room_nid INTEGER NOT NULL,
  event_id BLOB NOT NULL,
  -- The event of ours that cites it.
  event_nid INTEGER NOT NULL,
  PRIMARY KEY (room_nid, event_id, event_nid)
) WITHOUT ROWID;

-- Which redaction redacts which event, whether or not we have that event.
CREATE TABLE redactions (
  target BLOB NOT NULL,
  redaction_nid INTEGER NOT NULL,
  applied INTEGER NOT NULL,
  PRIMARY KEY (target, redaction_nid)
) WITHOUT ROWID;

-- Nodes of the persistent maps from kind to event; a node is never changed.
CREATE TABLE state_nodes (node_id INTEGER PRIMARY KEY, data BLOB NOT NULL);

CREATE TABLE memberships (
  room_nid INTEGER NOT NULL,
  user_nid INTEGER NOT NULL,
  -- 1 invite, 2 join, 3 knock, 4 leave, 5 ban
  membership INTEGER NOT NULL,
  event_nid INTEGER NOT NULL,
  -- When it became so, as a stream position.
  position INTEGER NOT NULL,
  forgotten INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (room_nid, user_nid)
) WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_nid, membership);

-- The stripped state that came with an invite or a knock, as JSON.
CREATE TABLE stripped_state (room_nid INTEGER NOT NULL, user_nid INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (room_nid, user_nid)) WITHOUT ROWID;

CREATE TABLE aliases (alias TEXT PRIMARY KEY, room_nid INTEGER NOT NULL, creator_nid INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX aliases_by_room ON aliases (room_nid);

-- Requests of a device that must not be done twice, and what they answered.
CREATE TABLE client_transactions (
  device INTEGER NOT NULL,
  transaction_id TEXT NOT NULL,
  event_nid INTEGER NOT NULL,
  PRIMARY KEY (device, transaction_id)
) WITHOUT ROWID;
`
