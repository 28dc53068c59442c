export const devices = `
-- When the current membership began: a member who changes name or avatar stays joined.
ALTER TABLE memberships ADD COLUMN began INTEGER NOT NULL DEFAULT 0;
UPDATE memberships SET began = position;
CREATE INDEX memberships_by_beginning ON memberships (room_nid, began);

-- The identity keys of local devices, as JSON without signatures of other keys.
CREATE TABLE device_keys (device_nid INTEGER PRIMARY KEY, keys TEXT NOT NULL);

-- Keys that are given out once, in the order of their positions.
CREATE TABLE one_time_keys (
  device_nid INTEGER NOT NULL,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  -- JSON
  key TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (device_nid, algorithm, key_id)
) WITHOUT ROWID;
CREATE INDEX one_time_keys_in_order ON one_time_keys (device_nid, algorithm, position);

CREATE TABLE fallback_keys (
  device_nid INTEGER NOT NULL,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key TEXT NOT NULL,
  used INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (device_nid, algorithm)
) WITHOUT ROWID;

-- Of local users, and of those remote users whose devices we keep track of.
CREATE TABLE cross_signing_keys (
  user_nid INTEGER NOT NULL,
  -- 1 master, 2 self-signing, 3 user-signing
  usage INTEGER NOT NULL,
  -- JSON as it was uploaded
  key TEXT NOT NULL,
  PRIMARY KEY (user_nid, usage)
) WITHOUT ROWID;

-- Signatures that local users put on devices and master keys, their own and those of others.
CREATE TABLE key_signatures (
  user_nid INTEGER NOT NULL,
  -- A device id or a public key of the user
  target TEXT NOT NULL,
  signer_nid INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  signature TEXT NOT NULL,
  PRIMARY KEY (user_nid, target, signer_nid, key_id)
) WITHOUT ROWID;

-- Versions are never used again: those that were deleted stay as rows.
CREATE TABLE key_backups (
  user_nid INTEGER NOT NULL,
  version INTEGER NOT NULL,
  algorithm TEXT NOT NULL,
  auth_data TEXT NOT NULL,
  -- Counts the changes of its keys.
  revision INTEGER NOT NULL DEFAULT 0,
  -- How many keys it has.
  size INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user_nid, version)
) WITHOUT ROWID;

CREATE TABLE backed_up_keys (
  user_nid INTEGER NOT NULL,
  version INTEGER NOT NULL,
  room_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  first_message_index INTEGER NOT NULL,
  forwarded_count INTEGER NOT NULL,
  is_verified INTEGER NOT NULL,
  -- JSON
  session_data TEXT NOT NULL,
  PRIMARY KEY (user_nid, version, room_id, session_id)
) WITHOUT ROWID;

-- Messages that wait for local devices, as JSON.
CREATE TABLE to_device_messages (
  device_nid INTEGER NOT NULL,
  position INTEGER NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (device_nid, position)
) WITHOUT ROWID;

-- Answers that did not have room for all that waited: their token acknowledges the messages up to 'delivered' only.
CREATE TABLE to_device_cuts (
  device_nid INTEGER NOT NULL,
  token INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  PRIMARY KEY (device_nid, token)
) WITHOUT ROWID;

-- Requests to send that must not be done twice: by device, and by server and message id.
CREATE TABLE to_device_transactions (
  sender TEXT NOT NULL,
  transaction_id TEXT NOT NULL,
  ts INTEGER NOT NULL,
  PRIMARY KEY (sender, transaction_id)
) WITHOUT ROWID;
CREATE INDEX to_device_transactions_by_ts ON to_device_transactions (ts);

-- When a user's devices or cross-signing keys last changed.
CREATE TABLE device_lists (user_nid INTEGER PRIMARY KEY, changed INTEGER NOT NULL);
CREATE INDEX device_lists_by_change ON device_lists (changed);

-- Changes that only one user sees: of the signatures that they put on the keys of others.
CREATE TABLE private_device_lists (
  reader_nid INTEGER NOT NULL,
  user_nid INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  PRIMARY KEY (reader_nid, user_nid)
) WITHOUT ROWID;

-- Changes of local users that other servers have not been told of yet.
CREATE TABLE device_list_news (
  position INTEGER PRIMARY KEY,
  user_nid INTEGER NOT NULL,
  -- NULL for a change of cross-signing keys, and for a user who has joined a room.
  device_id TEXT,
  -- The room whose servers may not know the user's devices.
  room_nid INTEGER
);
CREATE INDEX device_list_news_by_user ON device_list_news (user_nid);

-- The last stream_id that was given to a change of a local user's devices.
CREATE TABLE device_list_streams (user_nid INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL);

-- The device lists of remote users that we keep track of.
CREATE TABLE remote_device_lists (
  user_nid INTEGER PRIMARY KEY,
  server TEXT NOT NULL,
  stream_id INTEGER NOT NULL,
  -- An update is missing: the list has to be asked for again.
  stale INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX remote_device_lists_stale ON remote_device_lists (server) WHERE stale = 1;

CREATE TABLE remote_devices (
  user_nid INTEGER NOT NULL,
  device_id TEXT NOT NULL,
  -- JSON; NULL for a device without keys.
  keys TEXT,
  display_name TEXT,
  PRIMARY KEY (user_nid, device_id)
) WITHOUT ROWID;
`
