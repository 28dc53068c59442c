/** https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls */
import type { ServerName } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { GlobList } from './glob.ts'

/** An `m.room.server_acl` made ready for many questions. */
export interface ServerAcl {
  readonly allowIpLiterals: boolean
  /** In lower case. */
  readonly deny: GlobList
  readonly allow: GlobList
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

function patternsOf(list: Json | undefined): GlobList {
  const entries = (Array.isArray(list) ? list : []).filter((entry) => typeof entry === 'string')
  return new GlobList(entries.map((entry) => entry.toLowerCase()))
}

/** A server name without its port, in lower case. */
export function hostOf(server: ServerName): string {
  return (HOST.exec(server)?.[0] ?? server).toLowerCase()
}

/** Whether a server may take part in a room, given its access control list if there is one. */
export function isServerAllowed(acl: ServerAcl | undefined, server: ServerName): boolean {
  // 1. If there is no m.room.server_acl event in the room state, allow.
  if (acl === undefined) return true
  // The suspect server's port number must not be considered.
  const host = hostOf(server)
  // 2. If the server name is an IP address (v4 or v6) literal, and allow_ip_literals is present and false, deny.
  if (!acl.allowIpLiterals && IP_LITERAL.test(host)) return false
  // 3. If the server name matches an entry in the deny list, deny.
  if (acl.deny.matches(host)) return false
  // 4. If the server name matches an entry in the allow list, allow. 5. Otherwise, deny.
  return acl.allow.matches(host)
}
