/** Reads request bodies: bounded in size, time and depth. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { Transform } from 'node:stream'
import { parseJson } from '../core/json-text.ts'
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import { badJson, MatrixError, notJson, tooLarge } from '../core/errors.ts'

/** A body that is too large is read and thrown away up to this much more, so that the client gets to see the answer. */
const MAX_DISCARDED = 1024 * 1024

/** Reads at most `maxBytes` within `timeoutMs`. Throws M_TOO_LARGE, or 408 where the client is too slow. */
export function readBody(request: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes + MAX_DISCARDED) return reject(bodyTooLarge(maxBytes))
    const chunks: Buffer[] = []
    let size = 0
    const fail = (error: Error) => {
      clearTimeout(timer)
      request.removeListener('data', onData)
      reject(error)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
      else if (size > maxBytes + MAX_DISCARDED) fail(bodyTooLarge(maxBytes))
      else chunks.length = 0
    }
    const timer = setTimeout(() => fail(new MatrixError(408, 'M_UNKNOWN', 'The body took too long to arrive')), timeoutMs)
    request.on('data', onData)
    request.once('end', () => {
      if (size > maxBytes) return fail(bodyTooLarge(maxBytes))
      clearTimeout(timer)
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size))
    })
    request.once('close', () => {
      if (!request.complete) fail(clientGone())
    })
  })
}

/** The same bound for a body that is passed on as it comes. */
export function boundedStream(request: IncomingMessage, maxBytes: number): Transform {
  let size = 0
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > maxBytes) done(bodyTooLarge(maxBytes))
      else done(null, chunk)
    },
  })
  request.once('close', () => {
    if (!request.complete) bounded.destroy(clientGone())
  })
  return request.pipe(bounded)
}

/** Throws M_NOT_JSON for what is not UTF-8. */
export function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw notJson('The body is not UTF-8')
  return body.toString('utf8')
}

/** Throws M_NOT_JSON for what is not JSON, M_BAD_JSON for what is no object or too deep. */
export function parseJsonObject(text: string): JsonObject {
  const value = parseJson(text)
  if (!isJsonObject(value)) throw badJson('The body must be a JSON object')
  return value
}

const bodyTooLarge = (maxBytes: number): MatrixError => tooLarge(`The body is larger than ${maxBytes} bytes`)

/** Nobody sees the answer; the status is for the log. */
const clientGone = (): MatrixError => new MatrixError(499, 'M_UNKNOWN', 'The client went away')
