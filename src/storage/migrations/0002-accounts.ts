export const accounts = `
-- Users of this server. user_nid is the name of the user id.
CREATE TABLE accounts (
  user_nid INTEGER PRIMARY KEY,
  -- 0 user, 1 guest, 2 made by an application service
  kind INTEGER NOT NULL,
  -- A PHC string; NULL where nobody can log in with a password.
  password_hash TEXT,
  admin INTEGER NOT NULL DEFAULT 0,
  locked INTEGER NOT NULL DEFAULT 0,
  suspended INTEGER NOT NULL DEFAULT 0,
  -- 0 no, 1 closed but still in rooms, 2 closed
  deactivated INTEGER NOT NULL DEFAULT 0,
  -- The user wants what they sent to be kept from those who come later.
  erased INTEGER NOT NULL DEFAULT 0,
  -- Milliseconds since the Unix epoch, as all columns that end in _ts.
  created_ts INTEGER NOT NULL
);
CREATE INDEX accounts_leaving ON accounts (user_nid) WHERE deactivated = 1;

-- device_nid is the stream position at which the device was made: it is never used again.
CREATE TABLE devices (
  device_nid INTEGER PRIMARY KEY,
  user_nid INTEGER NOT NULL,
  device_id TEXT NOT NULL,
  display_name TEXT,
  last_seen_ts INTEGER,
  last_seen_ip TEXT,
  last_seen_agent TEXT,
  UNIQUE (user_nid, device_id)
);

-- Tokens are kept as the SHA-256 of their text, in url-safe base64.
CREATE TABLE access_tokens (
  hash TEXT PRIMARY KEY,
  device_nid INTEGER NOT NULL,
  -- NULL where the token lasts until the session is closed.
  expires_ts INTEGER,
  -- The refresh token that was handed out with it.
  refresh_hash TEXT
) WITHOUT ROWID;
CREATE INDEX access_tokens_by_device ON access_tokens (device_nid);
CREATE INDEX access_tokens_by_refresh_token ON access_tokens (refresh_hash) WHERE refresh_hash IS NOT NULL;

CREATE TABLE refresh_tokens (
  hash TEXT PRIMARY KEY,
  device_nid INTEGER NOT NULL,
  -- The refresh token that was traded in for it, until one of the two tokens of this trade is used.
  traded_hash TEXT,
  created_ts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_device ON refresh_tokens (device_nid);
CREATE INDEX refresh_tokens_by_trade ON refresh_tokens (traded_hash) WHERE traded_hash IS NOT NULL;

-- User-interactive authentication under way.
CREATE TABLE uia_sessions (
  session_id TEXT PRIMARY KEY,
  -- What the session is for: it serves nothing else.
  operation TEXT NOT NULL,
  -- JSON: what the first request asked for, the stages passed with what each has found out, and what came of it.
  parameters TEXT NOT NULL,
  completed TEXT NOT NULL,
  outcome TEXT,
  expires_ts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX uia_sessions_by_expiry ON uia_sessions (expires_ts);

CREATE TABLE profile_fields (
  user_nid INTEGER NOT NULL,
  field TEXT NOT NULL,
  -- JSON
  value TEXT NOT NULL,
  PRIMARY KEY (user_nid, field)
) WITHOUT ROWID;

CREATE TABLE registration_tokens (
  token TEXT PRIMARY KEY,
  -- How many accounts it may make; NULL is any number.
  uses_allowed INTEGER,
  uses INTEGER NOT NULL DEFAULT 0,
  expires_ts INTEGER
) WITHOUT ROWID;
`
