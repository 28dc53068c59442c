/**
 * `GET https://<hostname>/.well-known/matrix/server`
 * https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isServerName, type ServerName } from '../../schemas/ids.ts'
import { isJsonObject, stringAt } from '../../schemas/json.ts'
import { type Outbound, OutboundError, type OutboundResponse } from '../http/outbound.ts'
import { parseJson } from '../core/json-text.ts'
import type { LookupOutcome } from './lookup-cache.ts'

const HOUR_MS = 3_600_000
const MIN_LIFETIME_MS = HOUR_MS
/** Servers should additionally impose a maximum cache time for responses: 48 hours is recommended. */
export const MAX_LIFETIME_MS = 48 * HOUR_MS
/** The recommended sensible default is 24 hours. */
const DEFAULT_LIFETIME_MS = 24 * HOUR_MS
const MAX_BYTES = 50 * 1024
const TIMEOUT_MS = 10_000
const MAX_REDIRECTS = 10
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * Asks for the file at `url` and gives `m.server`, or null where the server has no such file or not a valid one.
 * That an answer was not to be had (no connection, a server in trouble) is a failure, which may pass.
 */
export async function fetchWellKnown(
  outbound: Pick<Outbound, 'request'>,
  url: string,
  now: () => number,
): Promise<LookupOutcome<ServerName | null>> {
  const answer = await follow(outbound, url)
  if (answer === undefined || answer.status === 429 || answer.status >= 500) return { kind: 'failed', fallback: null }
  const value = answer.status === 200 ? delegatedServer(answer.body) : null
  // Errors are recommended to be cached for up to an hour.
  return { kind: 'found', value, lifetimeMs: value === null ? HOUR_MS : cacheLifetimeMs(answer.headers, now()) }
}

/** 30x redirects should be followed, however redirection loops should be avoided. They may not leave HTTPS. */
async function follow(outbound: Pick<Outbound, 'request'>, start: string): Promise<OutboundResponse | undefined> {
  const seen = new Set<string>()
  const deadline = AbortSignal.timeout(TIMEOUT_MS)
  let url = start
  while (url.startsWith('https://') && !seen.has(url) && seen.size <= MAX_REDIRECTS) {
    seen.add(url)
    const answer = await get(outbound, url, deadline)
    const { location } = answer?.headers ?? {}
    if (answer === undefined || !REDIRECTS.has(answer.status) || location === undefined) return answer
    url = URL.parse(location, url)?.href ?? ''
  }
  return undefined
}

async function get(outbound: Pick<Outbound, 'request'>, url: string, signal: AbortSignal): Promise<OutboundResponse | undefined> {
  try {
    return await outbound.request({ method: 'GET', url, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS, signal })
  } catch (cause) {
    if (cause instanceof OutboundError) return undefined
    throw cause
  }
}

function delegatedServer(body: Buffer): ServerName | null {
  const value = jsonOf(body)
  const server = isJsonObject(value) ? stringAt(value, 'm.server') : undefined
  return server !== undefined && isServerName(server) ? server : null
}

function jsonOf(body: Buffer): unknown {
  try {
    return parseJson(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** How long, in milliseconds, an answer with these headers may be used: between an hour and two days. */
export function cacheLifetimeMs(headers: IncomingHttpHeaders, now: number): number {
  const wanted = maxAgeMs(headers['cache-control']) ?? untilExpiryMs(headers.expires, now) ?? DEFAULT_LIFETIME_MS
  return Math.min(MAX_LIFETIME_MS, Math.max(MIN_LIFETIME_MS, wanted))
}

function maxAgeMs(cacheControl: string | undefined): number | undefined {
  const directives = (cacheControl ?? '')
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim())
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0
  const [, seconds] = directives.map((directive) => /^max-age="?(\d{1,10})"?$/.exec(directive)).find(Boolean) ?? []
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

function untilExpiryMs(expires: string | undefined, now: number): number | undefined {
  if (expires === undefined) return undefined
  const at = Date.parse(expires)
  // RFC 9111: an invalid date means that it has expired already.
  return Number.isNaN(at) ? 0 : at - now
}
