import { isUserId, type ServerName, type UserId } from '../../schemas/ids.ts'
import { invalidUsername } from '../core/errors.ts'

const LOCALPART = /^[a-z0-9._=/+-]+$/

/**
 * The user ID that somebody gets who asks for `username`: servers downcase it, and refuse what the grammar does not
 * allow with M_INVALID_USERNAME. https://spec.matrix.org/v1.19/appendices/#user-identifiers
 */
export function newUserId(username: string, serverName: ServerName): UserId {
  const localpart = username.toLowerCase()
  if (!LOCALPART.test(localpart)) throw invalidUsername('A user name consists of a-z, 0-9, and the characters . _ = - / +')
  const userId = `@${localpart}:${serverName}`
  if (!isUserId(userId)) throw invalidUsername('The user name is too long')
  return userId
}
