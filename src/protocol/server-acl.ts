/** https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls */
import type { ServerName } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { matchesGlob } from './glob.ts'

/** An `m.room.server_acl` made ready for many questions. */
export interface ServerAcl {
  readonly allowIpLiterals: boolean
  readonly deny: ServerPatterns
  readonly allow: ServerPatterns
}

/** In lower case. Most entries of long lists are plain names, which need no walk through the list. */
interface ServerPatterns {
  readonly names: ReadonlySet<string>
  readonly globs: readonly string[]
}

const HOST = /^(?:\[[^\]]*\]|[^:]*)/
const IP_LITERAL = /^(?:\[.*|[0-9]{1,3}(?:\.[0-9]{1,3}){3})$/

/** Reads the content of an `m.room.server_acl` event; what is not of the expected type counts as missing. */
export function serverAclOf(content: JsonObject): ServerAcl {
  return {
    // Defaults to `true` if missing or otherwise not a boolean.
    allowIpLiterals: content['allow_ip_literals'] !== false,
    deny: patternsOf(content['deny']),
    allow: patternsOf(content['allow']),
  }
}

function patternsOf(list: Json | undefined): ServerPatterns {
  const patterns = (Array.isArray(list) ? list : [])
    .filter((entry) => typeof entry === 'string')
    .map((entry) => entry.toLowerCase())
  return {
    names: new Set(patterns.filter((pattern) => !isGlob(pattern))),
    globs: patterns.filter(isGlob),
  }
}

function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}

/** Whether a server may take part in a room, given its access control list if there is one. */
export function isServerAllowed(acl: ServerAcl | undefined, server: ServerName): boolean {
  // 1. If there is no m.room.server_acl event in the room state, allow.
  if (acl === undefined) return true
  // The suspect server's port number must not be considered.
  const host = (HOST.exec(server)?.[0] ?? server).toLowerCase()
  // 2. If the server name is an IP address (v4 or v6) literal, and allow_ip_literals is present and false, deny.
  if (!acl.allowIpLiterals && IP_LITERAL.test(host)) return false
  // 3. If the server name matches an entry in the deny list, deny.
  if (matches(acl.deny, host)) return false
  // 4. If the server name matches an entry in the allow list, allow. 5. Otherwise, deny.
  return matches(acl.allow, host)
}

function matches(patterns: ServerPatterns, host: string): boolean {
  return patterns.names.has(host) || patterns.globs.some((glob) => matchesGlob(glob, host))
}
