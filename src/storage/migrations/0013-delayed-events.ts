export const delayedEvents = `
-- Events that users have scheduled, and for a time what became of them: finalised_ts is set, then event_id where it was sent, error where
-- it could not be, neither where it was cancelled. send_ts is when it is due; device and transaction_id name the request.
CREATE TABLE delayed_events (delay_id TEXT PRIMARY KEY, user_nid INTEGER NOT NULL, app_service_id TEXT, room_nid INTEGER NOT NULL,
  type TEXT NOT NULL, state_key TEXT, content TEXT NOT NULL, origin_server_ts INTEGER, delay_ms INTEGER NOT NULL, scheduled_ts INTEGER NOT NULL,
  send_ts INTEGER NOT NULL, device INTEGER, transaction_id TEXT, finalised_ts INTEGER, event_id TEXT, error TEXT) WITHOUT ROWID;
CREATE INDEX delayed_events_due ON delayed_events (send_ts) WHERE finalised_ts IS NULL;
CREATE INDEX delayed_events_by_user ON delayed_events (user_nid, finalised_ts);
CREATE INDEX delayed_events_finalised ON delayed_events (finalised_ts) WHERE finalised_ts IS NOT NULL;
CREATE UNIQUE INDEX delayed_events_by_request ON delayed_events (device, transaction_id) WHERE transaction_id IS NOT NULL;
`
