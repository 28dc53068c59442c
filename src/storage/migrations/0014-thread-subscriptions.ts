export const threadSubscriptions = `
-- Threads that users follow, or have ceased to follow; position is that of the last change.
CREATE TABLE thread_subscriptions (user_nid INTEGER NOT NULL, root_nid INTEGER NOT NULL, room_nid INTEGER NOT NULL,
  subscribed INTEGER NOT NULL, automatic INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (user_nid, root_nid)) WITHOUT ROWID;
CREATE INDEX thread_subscriptions_by_change ON thread_subscriptions (user_nid, position);
`
