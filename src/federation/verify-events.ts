import type { ServerName } from '../../schemas/ids.ts'
import { MatrixError } from '../core/errors.ts'
import type { Pdu } from '../protocol/event.ts'
import { essentialText } from '../protocol/hashes.ts'
import {
  type EventToVerify,
  type RequiredSignature,
  requiredSignatures,
  type SignatureFault,
  type SignatureVerdict,
  type VerifyEventSignatures,
} from '../protocol/required-signatures.ts'
import { keyIdsOf, signatureOf } from '../protocol/signing.ts'
import { integerOf } from '../protocol/strict-json.ts'
import type { KeyRing, KeyWanted } from './key-ring.ts'
import type { KeyUse } from './published-keys.ts'
import type { SignatureChecks } from './signature-checks.ts'

export interface EventVerifierOptions {
  readonly keyRing: Pick<KeyRing, 'keysFor' | 'knownKeys'>
  readonly checks: SignatureChecks
}

/** Events of a batch whose texts are made and checked side by side; the others are not touched before. */
const EVENTS_AT_ONCE = 32
const MAX_SIGNATURES = 10
/** Not a published key: the policy server's signature is checked elsewhere, against the room's state. */
const POLICY_SERVER_KEY = 'ed25519:policy_server'

/**
 * Makes the function that checks the signatures which events need. Keys that are missing are fetched for all events
 * together; the checks run off the event loop.
 */
export function eventVerifier({ keyRing, checks }: EventVerifierOptions): VerifyEventSignatures {
  return async (events) => {
    await fetchKeys(keyRing, events)
    const verdicts: SignatureVerdict[] = []
    const rest = events.entries()
    const work = async () => {
      for (const [index, event] of rest) verdicts[index] = await verdictOf(event)
    }
    await Promise.all(Array.from({ length: EVENTS_AT_ONCE }, work))
    return verdicts
  }

  async function verdictOf(event: EventToVerify): Promise<SignatureVerdict> {
    const required = requiredSignatures(event)
    const text = essentialTextOf(event)
    for (const { server, otherwise } of required) {
      const fault = text === undefined ? 'not-canonical' : await faultOf(event, server, text)
      if (fault !== undefined) return { kind: otherwise, server, fault }
    }
    return { kind: 'valid' }
  }

  /** All signatures from known unexpired keys must be valid, and there must be one. Unknown keys are ignored. */
  async function faultOf(event: EventToVerify, server: ServerName, text: string): Promise<SignatureFault | undefined> {
    const wanted = wantedKeys(event, server)
    if (wanted.length === 0) return 'unsigned'
    if (wanted.length > MAX_SIGNATURES) return 'too-many-signatures'
    const keys = await keyRing.knownKeys(wanted)
    if (!keys.some(Boolean)) return 'unknown-key'
    for (const [index, key] of keys.entries()) {
      const signature = signatureOf(event.pdu, server, wanted[index]?.keyId ?? '')
      if (key && !(signature && (await checks.isValid(text, key, signature)))) return 'wrong-signature'
    }
    return undefined
  }
}

/**
 * Fetches keys for signatures of which we know no key at all. A signature that was added to an event by whoever passed
 * it on must not send us looking for its key when there is a good one beside it.
 */
async function fetchKeys(keyRing: EventVerifierOptions['keyRing'], events: readonly EventToVerify[]): Promise<void> {
  const groups = events.flatMap((event) =>
    requiredSignatures(event)
      .map(({ server }: RequiredSignature) => wantedKeys(event, server))
      .filter((wanted) => wanted.length <= MAX_SIGNATURES),
  )
  const known = (await keyRing.knownKeys(groups.flat())).values()
  const unknown = groups.filter((wanted) => !wanted.map(() => known.next().value).some(Boolean)).flat()
  if (unknown.length > 0) await keyRing.keysFor(unknown)
}

/** The keys that `server` has signed the event with. */
function wantedKeys({ pdu, rules }: EventToVerify, server: ServerName): KeyWanted[] {
  const use: KeyUse = { kind: 'event', at: rules.enforceKeyValidity ? timeOf(pdu) : undefined }
  return keyIdsOf(pdu, server)
    .filter((keyId) => keyId !== POLICY_SERVER_KEY)
    .map((keyId) => ({ server, keyId, use }))
}

/** An event without a time is from beyond the life of every key. */
function timeOf(pdu: Pdu): number {
  return integerOf(pdu['origin_server_ts']) ?? Number.MAX_SAFE_INTEGER
}

function essentialTextOf({ pdu, rules }: EventToVerify): string | undefined {
  try {
    return essentialText(pdu, rules)
  } catch (cause) {
    if (cause instanceof MatrixError) return undefined
    throw cause
  }
}
