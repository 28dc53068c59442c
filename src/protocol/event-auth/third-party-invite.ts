/** Rule 5.4.1 of the authorisation rules: invites that accept an `m.room.third_party_invite`. Numbers are those of room version 12. */
import type { KeyObject } from 'node:crypto'
import { isJsonObject, type JsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import type { CheckedEvent, StateLookup } from '../event.ts'
import { keyIdsOf, verifyJson, verifyKeyFrom } from '../signing.ts'
import { allowIf, type AuthVerdict, reject } from './verdict.ts'

/** Signatures tried at most. An identity server gives one, made with one of two keys; an event has room for hundreds of each. */
const MAX_ATTEMPTS = 100

export function authoriseThirdPartyInvite(event: CheckedEvent, state: StateLookup): AuthVerdict {
  const signed = objectAt(objectAt(event.content, 'third_party_invite') ?? {}, 'signed')
  // 5.4.1.2 If content.third_party_invite does not have a signed property, reject.
  if (signed === undefined) return reject('third-party-unsigned', 'The third-party invite is not signed')
  const mxid = stringAt(signed, 'mxid')
  const token = stringAt(signed, 'token')
  // 5.4.1.3 If signed does not have mxid and token properties, reject.
  if (mxid === undefined || token === undefined) return reject('third-party-malformed', 'signed lacks mxid or token')
  // 5.4.1.4 If mxid does not match state_key, reject.
  if (mxid !== event.stateKey) return reject('third-party-for-another', 'The third-party invite is for another user')
  const invite = state('m.room.third_party_invite', token)
  // 5.4.1.5 If there is no m.room.third_party_invite event in the current room state with state_key matching token, reject.
  if (invite === undefined) return reject('third-party-unknown', 'The room has no third-party invite with this token')
  // 5.4.1.6 If sender does not match sender of the m.room.third_party_invite, reject.
  if (event.sender !== invite.sender) return reject('third-party-of-another', 'The third-party invite was sent by another user')
  // 5.4.1.7 If any signature in signed matches any public key in the event, allow. 5.4.1.8 Otherwise, reject.
  return allowIf(isSignedBy(signed, keysOf(invite)), 'third-party-signature', 'No key of the third-party invite has signed this')
}

/** A key of an `m.room.third_party_invite`, and where to ask whether it is still good. */
export interface InviteKey {
  readonly publicKey: string
  readonly validityUrl: string | undefined
}

/** The keys of the content of an `m.room.third_party_invite` that have signed `signed`. */
export function keysThatSigned(signed: JsonObject, content: JsonObject): InviteKey[] {
  const list = Array.isArray(content['public_keys']) ? content['public_keys'] : []
  return [content, ...list].flatMap((entry) => {
    const publicKey = isJsonObject(entry) ? stringAt(entry, 'public_key') : undefined
    const key = publicKey === undefined ? undefined : keyFrom(publicKey)
    if (!isJsonObject(entry) || publicKey === undefined || !key || !isSignedBy(signed, [key])) return []
    return [{ publicKey, validityUrl: stringAt(entry, 'key_validity_url') }]
  })
}

// The key is encoded using the standard or URL-safe alphabets.
const keyFrom = (encoded: string): KeyObject | undefined => verifyKeyFrom(encoded.replaceAll('-', '+').replaceAll('_', '/'))

/** A single public key in the public_key property, and a list of public keys in the public_keys property. */
function* keysOf({ content }: CheckedEvent): Generator<KeyObject> {
  const list = Array.isArray(content['public_keys']) ? content['public_keys'] : []
  for (const entry of [content, ...list]) {
    const encoded = isJsonObject(entry) ? stringAt(entry, 'public_key') : undefined
    const key = encoded === undefined ? undefined : keyFrom(encoded)
    if (key !== undefined) yield key
  }
}

function isSignedBy(signed: JsonObject, keys: Iterable<KeyObject>): boolean {
  const signatures = Object.keys(objectAt(signed, 'signatures') ?? {}).flatMap((name) =>
    keyIdsOf(signed, name).map((keyId) => ({ name, keyId })),
  )
  let attempts = 0
  for (const key of keys) {
    for (const { name, keyId } of signatures) {
      if (attempts++ === MAX_ATTEMPTS) return false
      if (verifyJson(signed, name, keyId, key)) return true
    }
  }
  return false
}
