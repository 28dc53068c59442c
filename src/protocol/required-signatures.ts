/**
 * Which servers must have signed an event.
 * https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
import { type EventId, isUserId, type ServerName, serverOf } from '../../schemas/ids.ts'
import { objectAt, stringAt } from '../../schemas/json.ts'
import type { Pdu } from './event.ts'
import type { RoomRules } from './room-versions.ts'

/** An event as it came from another server. */
export interface EventToVerify {
  readonly pdu: Pdu
  readonly rules: RoomRules
  readonly eventId: EventId
}

export type SignatureFault =
  /** There is no signature of the server, or none with an algorithm that we know. */
  | 'unsigned'
  /** None of the keys is known, could be fetched, and was valid at the time of the event. May pass when tried again. */
  | 'unknown-key'
  | 'wrong-signature'
  /** More signatures of one server than anybody needs. */
  | 'too-many-signatures'
  /** The event has no canonical form. */
  | 'not-canonical'

export type SignatureVerdict =
  | { readonly kind: 'valid' }
  /** The event fails the signature checks on receipt of a PDU: it is dropped. */
  | { readonly kind: 'invalid'; readonly server: ServerName; readonly fault: SignatureFault }
  /** Only the server that authorised a restricted join has not signed: since v8 the authorisation rules reject the event. */
  | { readonly kind: 'unauthorised'; readonly server: ServerName; readonly fault: SignatureFault }

/** Verdicts in the order of the events. */
export type VerifyEventSignatures = (events: readonly EventToVerify[]) => Promise<SignatureVerdict[]>

export interface RequiredSignature {
  readonly server: ServerName
  /** The verdict where the signature is wanting. */
  readonly otherwise: 'invalid' | 'unauthorised'
}

/** The servers that must have signed an event, each once, those without whom the event is dropped first. */
export function requiredSignatures({ pdu, rules, eventId }: EventToVerify): RequiredSignature[] {
  const dropping = new Set<ServerName>()
  // Unless the event is a 3rd party invite, the signature from the originating server (the server the sender belongs to).
  if (!isThirdPartyInvite(pdu)) dropping.add(serverOf(stringAt(pdu, 'sender') ?? ''))
  // Room versions 1 and 2 also require a signature from the domain in the event_id, if it differs.
  if (rules.eventIdFormat === 'chosen') dropping.add(serverOf(eventId))
  const required: RequiredSignature[] = [...dropping].map((server) => ({ server, otherwise: 'invalid' }))
  const authoriser = rules.auth.restrictedJoins ? joinAuthoriser(pdu) : undefined
  if (authoriser !== undefined && !dropping.has(authoriser)) required.push({ server: authoriser, otherwise: 'unauthorised' })
  return required
}

function isThirdPartyInvite(pdu: Pdu): boolean {
  const content = objectAt(pdu, 'content') ?? {}
  if (stringAt(pdu, 'type') !== 'm.room.member' || stringAt(content, 'membership') !== 'invite') return false
  return objectAt(content, 'third_party_invite') !== undefined
}

/**
 * Since v8: if content has a join_authorised_via_users_server property and the event is not validly signed by the
 * homeserver of the user ID denoted by the key, reject. A value that is no user ID names a server that cannot sign.
 */
function joinAuthoriser(pdu: Pdu): ServerName | undefined {
  const content = objectAt(pdu, 'content') ?? {}
  if (stringAt(pdu, 'type') !== 'm.room.member' || !Object.hasOwn(content, 'join_authorised_via_users_server')) return undefined
  const user = stringAt(content, 'join_authorised_via_users_server') ?? ''
  return isUserId(user) ? serverOf(user) : NOBODY
}

const NOBODY = '' as ServerName
