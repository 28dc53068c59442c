export const threadSubscribers = `
CREATE INDEX thread_subscriptions_by_root ON thread_subscriptions (root_nid) WHERE subscribed = 1;
`
