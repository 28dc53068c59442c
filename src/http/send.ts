/** Writes answers to the socket. */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CORS_HEADERS } from './cors.ts'
import type { Bytes, Headers, RawResponse } from './reply.ts'

/** Parts are joined into one write up to this many bytes; larger ones are written one by one. */
const JOIN_BELOW = 16 * 1024

/** Sends `answer` with the headers that every answer has. Resolves when the last byte is handed over; never rejects. */
export async function send(res: ServerResponse, answer: RawResponse, always: Headers): Promise<void> {
  const headers = { ...CORS_HEADERS, ...always, ...answer.headers }
  const { body, status } = answer
  if (res.destroyed) {
    if (body instanceof Readable) body.destroy()
  } else if (body instanceof Readable) {
    await sendStream(res, status, headers, body)
  } else {
    sendBytes(res, status, headers, body)
  }
}

function sendBytes(res: ServerResponse, status: number, headers: Headers, body: Bytes | readonly Bytes[] | undefined): void {
  if (body === undefined) {
    res.writeHead(status, status === 204 ? headers : { ...headers, 'Content-Length': '0' })
    res.end()
    return
  }
  const parts = typeof body === 'string' || Buffer.isBuffer(body) ? [body] : body
  let length = 0
  for (const part of parts) length += Buffer.byteLength(part)
  res.writeHead(status, { ...headers, 'Content-Length': String(length) })
  if (parts.length === 1) {
    res.end(parts[0])
  } else if (length < JOIN_BELOW) {
    res.end(
      Buffer.concat(
        parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
        length,
      ),
    )
  } else {
    res.cork()
    for (const part of parts) res.write(part)
    res.uncork()
    res.end()
  }
}

async function sendStream(res: ServerResponse, status: number, headers: Headers, body: Readable): Promise<void> {
  res.writeHead(status, headers)
  if (res.req.method === 'HEAD') {
    body.destroy()
    res.end()
    return
  }
  // Where the source fails half-way, pipeline has closed the socket: the client sees that the answer is not whole.
  await pipeline(body, res).catch(() => undefined)
}
