export const stickySizes = `
-- So many characters the content of the event has.
ALTER TABLE sticky_events ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
`
