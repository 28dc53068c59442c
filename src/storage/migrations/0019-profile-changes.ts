export const profileChanges = `
-- When the fields of profiles last changed, those included that are gone.
CREATE TABLE profile_changes (
  user_nid INTEGER NOT NULL,
  field TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (user_nid, field)
) WITHOUT ROWID;
CREATE INDEX profile_changes_by_position ON profile_changes (position);
`
