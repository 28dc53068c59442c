import type { ServerName } from '../../../schemas/ids.ts'
import { badGateway } from '../../core/errors.ts'
import { FederationError } from '../errors.ts'

/**
 * Asks one server after another; gives the first answer.
 * @throws {FederationError} the last refusal, or where there is none the last failure; at once where no other server would
 * say anything else
 */
export async function inTurn<T>(servers: readonly ServerName[], ask: (server: ServerName) => Promise<T>): Promise<T> {
  let last: FederationError | undefined
  for (const server of servers) {
    try {
      return await ask(server)
    } catch (cause) {
      if (!(cause instanceof FederationError) || isFinal(cause)) throw cause
      if (last?.failure !== 'refused' || cause.failure === 'refused') last = cause
    }
  }
  throw last ?? badGateway('No other server is known that could help')
}

function isFinal({ remoteStatus, remoteErrcode }: FederationError): boolean {
  return remoteStatus === 403 || remoteErrcode === 'M_INCOMPATIBLE_ROOM_VERSION'
}

/** Whether a server does not have an endpoint, as opposed to what was asked for at it. */
export function lacksEndpoint(cause: unknown): boolean {
  if (!(cause instanceof FederationError) || cause.failure !== 'refused') return false
  const { remoteStatus, remoteErrcode } = cause
  return remoteErrcode === 'M_UNRECOGNIZED' || ((remoteStatus === 404 || remoteStatus === 405) && remoteErrcode !== 'M_NOT_FOUND')
}
