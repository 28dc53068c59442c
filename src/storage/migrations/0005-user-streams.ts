export const userStreams = `
-- What a user keeps for their own clients; room_nid is 0 for what belongs to no room.
CREATE TABLE account_data (
  user_nid INTEGER NOT NULL,
  room_nid INTEGER NOT NULL,
  type TEXT NOT NULL,
  -- JSON
  content TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (user_nid, room_nid, type)
) WITHOUT ROWID;
CREATE INDEX account_data_by_position ON account_data (user_nid, position);

CREATE TABLE filters (
  user_nid INTEGER NOT NULL,
  -- Counts up from 1 for each user.
  filter_id INTEGER NOT NULL,
  -- JSON, in the canonical form: the same filter is kept once.
  filter TEXT NOT NULL,
  PRIMARY KEY (user_nid, filter_id)
) WITHOUT ROWID;

CREATE TABLE receipts (
  room_nid INTEGER NOT NULL,
  user_nid INTEGER NOT NULL,
  -- 1 m.read, 2 m.read.private
  type INTEGER NOT NULL,
  -- Empty where the receipt is for the whole room, else 'main' or the event id of the thread's root.
  thread TEXT NOT NULL,
  event_id TEXT NOT NULL,
  -- Where the event is in the room's timeline; NULL where we did not have it.
  event_position INTEGER,
  ts INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (room_nid, user_nid, type, thread)
) WITHOUT ROWID;
CREATE INDEX receipts_by_position ON receipts (room_nid, position);
CREATE INDEX receipts_private ON receipts (user_nid, position) WHERE type = 2;

-- How a user's push rules differ from the defaults, as JSON.
CREATE TABLE push_rules (user_nid INTEGER PRIMARY KEY, rules TEXT NOT NULL, position INTEGER NOT NULL);

-- Where a room's current state is not the state after the last event of its timeline: it was resolved from several.
CREATE TABLE state_jumps (
  room_nid INTEGER NOT NULL,
  position INTEGER NOT NULL,
  state_root INTEGER NOT NULL,
  PRIMARY KEY (room_nid, position)
) WITHOUT ROWID;

CREATE INDEX memberships_invited ON memberships (room_nid) WHERE membership = 1;
`
