export const serverKeys = `
-- Verify keys of other servers. A key that its server has given up (expired) has its end as valid_until_ts.
CREATE TABLE server_keys (
  server TEXT NOT NULL,
  key_id TEXT NOT NULL,
  public_key TEXT NOT NULL,
  valid_until_ts INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  fetched_ts INTEGER NOT NULL,
  -- The signed JSON that listed it as current: what we pass on as a notary.
  response TEXT NOT NULL,
  PRIMARY KEY (server, key_id)
);
`
