/** Reads request bodies: bounded in size, time and depth. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { Transform } from 'node:stream'
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import { badJson, MatrixError, notJson, tooLarge } from '../core/errors.ts'

/** A body that is too large is read and thrown away up to this much more, so that the client gets to see the answer. */
const MAX_DISCARDED = 1024 * 1024

/** Deeper JSON would exhaust the stack of whatever walks it. */
const MAX_DEPTH = 100

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
  if (text.length > MAX_DEPTH && deeperThan(text, MAX_DEPTH)) throw badJson('The JSON is nested too deeply')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw notJson()
  }
  if (!isJsonObject(value)) throw badJson('The body must be a JSON object')
  return value
}

/** Looks at brackets outside of strings only; what it says of text that is not JSON does not matter. */
function deeperThan(text: string, limit: number): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) {
      i = endOfString(text, i + 1)
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      if (++depth > limit) return true
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) {
      depth--
    }
  }
  return false
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d]

/** Where the string that begins at `start` (after its quote) ends: the index of its closing quote, or the text's end. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end
    while (text.charCodeAt(first - 1) === BACKSLASH && first > start) first--
    if ((end - first) % 2 === 0) return end
  }
  return text.length
}

const bodyTooLarge = (maxBytes: number): MatrixError => tooLarge(`The body is larger than ${maxBytes} bytes`)

/** Nobody sees the answer; the status is for the log. */
const clientGone = (): MatrixError => new MatrixError(499, 'M_UNKNOWN', 'The client went away')
