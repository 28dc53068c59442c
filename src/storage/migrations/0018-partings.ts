export const partings = `
-- From whom a user of ours was parted by a membership that state resolution has undone, and when.
CREATE TABLE partings (reader_nid INTEGER NOT NULL, user_nid INTEGER NOT NULL, parted INTEGER NOT NULL,
  PRIMARY KEY (reader_nid, user_nid)) WITHOUT ROWID;
`
