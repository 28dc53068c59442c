/** Writes answers to the socket. */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CORS_HEADERS } from './cors.ts'
import type { Bytes, Headers, RawResponse } from './reply.ts'

/** Parts are copied together into writes of about this many bytes: thousands of small writes cost more than the copy. */
const WRITE_BYTES = 256 * 1024
/** Up to so many characters, one text is cheaper than parts. */
const SHORT_TEXT = 32 * 1024

/** Writes `answer` with the headers that every answer has. Resolves when the last byte is handed over; never rejects. */
export async function writeAnswer(res: ServerResponse, answer: RawResponse, always: Headers): Promise<void> {
  const headers = { ...CORS_HEADERS, ...always, ...answer.headers }
  const { body, status } = answer
  if (res.destroyed) {
    if (body instanceof Readable) body.destroy()
  } else if (body instanceof Readable) {
    await writeStream(res, status, headers, body)
  } else {
    writeBytes(res, status, headers, body)
  }
}

function writeBytes(res: ServerResponse, status: number, headers: Headers, body: Bytes | readonly Bytes[] | undefined): void {
  if (body === undefined) {
    res.writeHead(status, status === 204 ? headers : { ...headers, 'Content-Length': '0' })
    res.end()
    return
  }
  const whole = isPiece(body) ? body : shortText(body)
  if (whole !== undefined) {
    // Node sends a text and the headers before it in one write.
    res.writeHead(status, { ...headers, 'Content-Length': String(Buffer.byteLength(whole)) })
    res.end(whole)
    return
  }
  if (!isPiece(body)) writeParts(res, status, headers, body)
}

const isPiece = (body: Bytes | readonly Bytes[]): body is Bytes => typeof body === 'string' || Buffer.isBuffer(body)

/** Parts as one text, where they are texts and not many bytes. */
function shortText(parts: readonly Bytes[]): string | undefined {
  let length = 0
  for (const part of parts) {
    if (typeof part !== 'string') return undefined
    length += part.length
  }
  return length < SHORT_TEXT ? parts.join('') : undefined
}

function writeParts(res: ServerResponse, status: number, headers: Headers, parts: readonly Bytes[]): void {
  const writes = joined(parts)
  const length = writes.reduce((sum, { byteLength }) => sum + byteLength, 0)
  res.writeHead(status, { ...headers, 'Content-Length': String(length) })
  for (const bytes of writes) res.write(bytes)
  res.end()
}

function joined(parts: readonly Bytes[]): Buffer[] {
  const writes: Buffer[] = []
  let pending: Buffer[] = []
  let size = 0
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part
    pending.push(bytes)
    size += bytes.length
    if (size < WRITE_BYTES) continue
    writes.push(Buffer.concat(pending, size))
    pending = []
    size = 0
  }
  if (size > 0) writes.push(Buffer.concat(pending, size))
  return writes
}

async function writeStream(res: ServerResponse, status: number, headers: Headers, body: Readable): Promise<void> {
  res.writeHead(status, headers)
  if (res.req.method === 'HEAD') {
    body.destroy()
    res.end()
    return
  }
  // Where the source fails half-way, pipeline has closed the socket: the client sees that the answer is not whole.
  await pipeline(body, res).catch(() => undefined)
}
