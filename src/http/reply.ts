/** What a handler may return instead of a plain JSON object. */
import type { Readable } from 'node:stream'
import type { JsonObject } from '../../schemas/json.ts'

export type Bytes = string | Buffer
export type Headers = Readonly<Record<string, string>>

/** An answer with its own status, headers or bytes. Strings are sent as UTF-8. */
export class RawResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: Bytes | readonly Bytes[] | Readable | undefined

  constructor(status: number, headers: Headers, body?: Bytes | readonly Bytes[] | Readable) {
    this.status = status
    this.headers = headers
    this.body = body
  }
}

const JSON_TYPE = { 'Content-Type': 'application/json' }

/** JSON with another status than 200 or with headers, such as the 401 of user-interactive authentication. */
export function respond(status: number, body: JsonObject, headers: Headers = {}): RawResponse {
  return new RawResponse(status, { ...JSON_TYPE, ...headers }, JSON.stringify(body))
}

/** JSON that is serialised already; parts are sent one after another without being joined into a string. */
export function rawJson(parts: Bytes | readonly Bytes[]): RawResponse {
  return new RawResponse(200, JSON_TYPE, parts)
}

export function html(page: string, headers: Headers = {}): RawResponse {
  return new RawResponse(200, { 'Content-Type': 'text/html; charset=utf-8', ...headers }, page)
}

/** Anything else. The headers must name the content type. */
export function content(body: Bytes | Readable, headers: Headers): RawResponse {
  return new RawResponse(200, headers, body)
}

export function redirect(location: string, status: 302 | 307 | 308 = 302): RawResponse {
  return new RawResponse(status, { Location: location })
}
