export const directories = `
-- Tokens with which others may ask who a user is; kept as hashes like access tokens.
CREATE TABLE openid_tokens (hash TEXT PRIMARY KEY, user_nid INTEGER NOT NULL, expires_ts INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX openid_tokens_by_expiry ON openid_tokens (expires_ts);

-- Where users want to be notified.
CREATE TABLE pushers (
  user_nid INTEGER NOT NULL,
  app_id TEXT NOT NULL,
  pushkey TEXT NOT NULL,
  -- The device that set it: with its session the pusher goes.
  device_nid INTEGER NOT NULL,
  -- JSON, as clients give it
  pusher TEXT NOT NULL,
  set_ts INTEGER NOT NULL,
  PRIMARY KEY (user_nid, app_id, pushkey)
) WITHOUT ROWID;
CREATE INDEX pushers_by_key ON pushers (app_id, pushkey);

-- Users who are or were in rooms with ours, by the names that they go by.
CREATE TABLE directory_users (
  user_nid INTEGER PRIMARY KEY,
  user_id TEXT NOT NULL,
  display_name TEXT,
  avatar_url TEXT,
  -- What is searched: the words of the name and of the id.
  words TEXT NOT NULL
);
CREATE VIRTUAL TABLE directory_words USING fts5 (
  words, content = '', contentless_delete = 1, prefix = '1 2 3', tokenize = "unicode61 remove_diacritics 2"
);
CREATE TRIGGER directory_users_added AFTER INSERT ON directory_users BEGIN
  INSERT INTO directory_words (rowid, words) VALUES (new.user_nid, new.words);
END;
CREATE TRIGGER directory_users_changed AFTER UPDATE OF words ON directory_users BEGIN
  DELETE FROM directory_words WHERE rowid = old.user_nid;
  INSERT INTO directory_words (rowid, words) VALUES (new.user_nid, new.words);
END;
CREATE TRIGGER directory_users_removed AFTER DELETE ON directory_users BEGIN
  DELETE FROM directory_words WHERE rowid = old.user_nid;
END;

-- The texts of events, by event_nid: each in the column of the key that clients search.
CREATE VIRTUAL TABLE event_words USING fts5 (
  room, body, name, topic, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);
-- Every event with a nid up to this one is in event_words.
INSERT INTO counters (name, value) VALUES ('indexed_event', 0);
`
