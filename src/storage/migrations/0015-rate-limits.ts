export const rateLimits = `
-- Users who may send more, or less, than others; both 0 where nothing limits them.
CREATE TABLE rate_limit_overrides (user_nid INTEGER PRIMARY KEY, messages_per_second REAL NOT NULL, burst_count INTEGER NOT NULL);
`
