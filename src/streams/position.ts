/** The tokens that clients hold: one stream position, which stands for all streams (design rule 7). */
import { invalidParam } from '../core/errors.ts'

/** What follows an underscore tells apart the answers of sliding sync that are as of the same position. */
const TOKEN = /^s(-?[0-9]{1,16})(?:_[0-9]{1,16})?$/

/** The token for a position: of `/sync` (`next_batch`, `prev_batch`) as well as of `/messages`, `/context` and `/members`. */
export function encodeToken(position: number): string {
  return `s${position}`
}

/** The position of a token. Throws M_INVALID_PARAM for what is no token of ours. */
export function decodeToken(token: string): number {
  const position = Number(TOKEN.exec(token)?.[1] ?? Number.NaN)
  if (!Number.isSafeInteger(position)) throw invalidParam('The token is not one of this server')
  return position
}

/** What lies between two tokens: `after < position <= upTo`. */
export interface StreamRange {
  readonly after: number
  readonly upTo: number
}
