export const noStatistics = `
-- How queries are run does not depend on what a database was like when it was last analysed.
DROP TABLE IF EXISTS sqlite_stat1;
DROP TABLE IF EXISTS sqlite_stat4;
`
