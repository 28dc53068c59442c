/** The only place where an error becomes an answer. */
import { MatrixError, unknown } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Call } from './call.ts'
import { type RawResponse, respond } from './reply.ts'

/** A shorter body that nobody has read is thrown away, and the connection kept. */
const LONG_BODY = 64 * 1024

/** A MatrixError says what the client gets; anything else is ours: logged in full, and the client gets its request's ID. */
export function errorResponse(cause: unknown, call: Call, log: Logger): RawResponse {
  const error = cause instanceof MatrixError ? cause : internalError(cause, call, log)
  // What went wrong at another server is worth knowing too.
  if (error === cause && error.status >= 500)
    log.warn({ err: error, requestId: call.requestId, route: call.routePath }, error.message)
  return respond(error.status, error.toJSON(), headersFor(error, call))
}

function internalError(cause: unknown, call: Call, log: Logger): MatrixError {
  log.error({ err: cause, requestId: call.requestId, method: call.method, route: call.routePath }, 'Request failed')
  return unknown(`Internal server error (request ${call.requestId})`)
}

function headersFor(error: MatrixError, { req }: Call): Record<string, string> {
  const wait = error.extra.retry_after_ms
  // Servers SHOULD include a Retry-After header, in whole seconds, in any response with status 429.
  if (error.status === 429 && typeof wait === 'number')
    return { 'Retry-After': String(Math.ceil(wait / 1000)), ...(mayBeLong(req) && { Connection: 'close' }) }
  // The server MUST send an Upgrade header field in a 426 response.
  if (error.status === 426) return { Upgrade: 'websocket' }
  // The rest of the body is still to come, and nobody wants it.
  return error.status === 408 || error.status === 413 ? { Connection: 'close' } : {}
}

/** Whether it may take long until the rest of the body is here. */
function mayBeLong({ headers }: Call['req']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > LONG_BODY
}
