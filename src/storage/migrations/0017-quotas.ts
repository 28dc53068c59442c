export const quotas = `
-- To count what one user keeps.
CREATE INDEX openid_tokens_by_user ON openid_tokens (user_nid, expires_ts);
CREATE INDEX login_tokens_by_user ON login_tokens (user_nid, expires_ts);
CREATE INDEX uia_sessions_by_operation ON uia_sessions (operation);
CREATE INDEX reports_by_reporter ON reports (reporter_nid, reported_ts);
`
