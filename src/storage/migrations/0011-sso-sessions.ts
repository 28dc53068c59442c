export const ssoSessions = `
-- Logins through identity providers that are under way. The key is kept as its hash; the state is JSON.
CREATE TABLE sso_sessions (key_hash TEXT PRIMARY KEY, state TEXT NOT NULL, expires_ts INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX sso_sessions_by_end ON sso_sessions (expires_ts);
`
