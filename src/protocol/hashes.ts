/** https://spec.matrix.org/v1.19/server-server-api/#signing-events */
import { hash } from 'node:crypto'
import { withoutPadding } from './base64.ts'
import { lenientCanonicalJson } from './canonical-json.ts'
import type { Pdu } from './event.ts'
import { redact } from './redaction.ts'
import type { RoomRules } from './room-versions.ts'

/**
 * The content hash of a PDU: SHA-256 in unpadded base64, as it stands under `hashes.sha256`.
 * @throws {MatrixError} M_BAD_JSON where the PDU has no canonical form
 */
export function contentHash(pdu: Pdu): string {
  return hashOfText(lenientCanonicalJson(withoutUnhashed(pdu)))
}

/** SHA-256 of a text in UTF-8, in unpadded base64. */
export function hashOfText(text: string): string {
  return withoutPadding(hash('sha256', text, 'base64'))
}

/** First, any existing `unsigned`, `signatures`, and `hashes` properties are removed. */
export function withoutUnhashed(pdu: Pdu): Pdu {
  const { unsigned: _unsigned, signatures: _signatures, hashes: _hashes, ...rest } = pdu
  return rest
}

/**
 * The reference hash of an event, 32 bytes: its identity from room version 3 on.
 * @throws {MatrixError} M_BAD_JSON where the PDU has no canonical form
 */
export function referenceHash(pdu: Pdu, rules: RoomRules): Buffer {
  return hash('sha256', essentialText(pdu, rules), 'buffer')
}

/**
 * What the reference hash and the signatures of an event cover: its redacted form without `signatures` and `unsigned`,
 * as canonical JSON.
 * @throws {MatrixError} M_BAD_JSON where the PDU has no canonical form
 */
export function essentialText(pdu: Pdu, rules: RoomRules): string {
  const { signatures: _signatures, unsigned: _unsigned, ...rest } = redact(pdu, rules.redaction)
  return lenientCanonicalJson(rest)
}
