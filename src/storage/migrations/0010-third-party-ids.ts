export const thirdPartyIds = `
-- Addresses outside of Matrix that users have added to their accounts.
CREATE TABLE user_third_party_ids (medium TEXT NOT NULL, address TEXT NOT NULL, user_nid INTEGER NOT NULL, validated_ts INTEGER NOT NULL,
  added_ts INTEGER NOT NULL, PRIMARY KEY (medium, address)) WITHOUT ROWID;
CREATE INDEX third_party_ids_by_user ON user_third_party_ids (user_nid);

-- Where users have had addresses bound to their user ID, so that it can be undone.
CREATE TABLE identity_bindings (user_nid INTEGER NOT NULL, medium TEXT NOT NULL, address TEXT NOT NULL, id_server TEXT NOT NULL,
  PRIMARY KEY (user_nid, medium, address, id_server)) WITHOUT ROWID;

-- Proofs under way that somebody reads the mail of an address. The token is kept as its hash.
CREATE TABLE validations (sid TEXT PRIMARY KEY, purpose TEXT NOT NULL, address TEXT NOT NULL, client_secret TEXT NOT NULL,
  token_hash TEXT NOT NULL, send_attempt INTEGER NOT NULL, next_link TEXT, validated_ts INTEGER, expires_ts INTEGER NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX validations_by_request ON validations (purpose, address, client_secret);
CREATE INDEX validations_by_end ON validations (expires_ts);

-- Tokens that log in once, by their hashes.
CREATE TABLE login_tokens (hash TEXT PRIMARY KEY, user_nid INTEGER NOT NULL, expires_ts INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX login_tokens_by_end ON login_tokens (expires_ts);

-- Who is who at services through which users log in.
CREATE TABLE external_ids (provider TEXT NOT NULL, subject TEXT NOT NULL, user_nid INTEGER NOT NULL,
  PRIMARY KEY (provider, subject)) WITHOUT ROWID;
CREATE INDEX external_ids_by_user ON external_ids (user_nid);
`
