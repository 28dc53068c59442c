import { tooMany } from './errors.ts'

/** How much one user, or one room, may keep: far more than clients need, and little enough to be read at once. docs/admin/limits.md */
const QUOTAS = {
  /** Stored filters of a user; the same filter counts once. */
  filters: 1_000,
  'bytes of filters': 5 * 1024 * 1024,
  /** Entries of a user's account data, those of all rooms included, and their bytes. */
  'entries of account data': 20_000,
  'bytes of account data': 20 * 1024 * 1024,
  /** Of a user, at one room. */
  tags: 100,
  /** Of a user's own. */
  'push rules': 3_000,
  'bytes of push rules': 1024 * 1024,
  /** That have to be looked for in every message; of those with `?`, each character counts. */
  'words and wildcards in push rules': 500,
  pushers: 100,
  devices: 5_000,
  /** Aliases of this server for one room. */
  aliases: 1_000,
  /** That a user has given to rooms. */
  'aliases of a user': 5_000,
  /** Versions that a user has not deleted. */
  'key backups': 100,
  /** Reports of one user within a day. */
  reports: 200,
} as const

/** Of what is made to be thrown away, the newest are kept instead. */
export const NEWEST_KEPT = { openIdTokens: 100, loginTokens: 20, uiaSessions: 100 } as const

/** Throws M_TOO_LARGE where `count`, with what is to be added, is more than there may be. */
export function assertWithin(quota: keyof typeof QUOTAS, count: number): void {
  if (count > QUOTAS[quota]) throw tooMany(`No more than ${QUOTAS[quota]} ${quota} are kept: delete some first`)
}
