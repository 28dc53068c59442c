export const aliasCreators = `
-- To count what one user has given.
CREATE INDEX aliases_by_creator ON aliases (creator_nid);
`
