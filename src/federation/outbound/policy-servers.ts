import { serverOf, type ServerName } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { askPolicyServerToSign, askPolicyServerToSignMsc4284 } from '../../../schemas/server/room-policy.ts'
import type { Clock } from '../../core/clock.ts'
import { badGateway, forbidden, MatrixError } from '../../core/errors.ts'
import { encodeBase64 } from '../../protocol/base64.ts'
import type { Event } from '../../protocol/event.ts'
import { essentialText } from '../../protocol/hashes.ts'
import { signatureOf, signEvent, type SigningKey, verifyKeyFrom, withSignatures } from '../../protocol/signing.ts'
import type { PolicyServer, PolicySigner } from '../../rooms/policy-servers.ts'
import type { CallOptions, FederationClient } from '../client.ts'
import { FederationError } from '../errors.ts'
import { RetryGate } from '../retry-gate.ts'
import type { SignatureChecks } from '../signature-checks.ts'
import { lacksEndpoint } from './in-turn.ts'

export interface PolicySignaturesParts {
  serverName: ServerName
  signingKey: SigningKey
  client: Pick<FederationClient, 'call'>
  checks: SignatureChecks
  clock: Clock
}

/** The Key ID for the `ed25519` key in `m.room.policy` is *always* this one. */
const KEY_ID = 'ed25519:policy_server'
const TIMEOUT_MS = { user: 10_000, receipt: 5_000 }
/**
 * Received events wait for a policy server one after another, and are lost to clients where it says nothing: it is left alone
 * only when it does not answer several times in a row, and not for long.
 */
const RETRY = { freeFailures: 2, firstMs: 2_000, capMs: 30_000 }
const DEFAULT_RETRY_AFTER_MS = 1_000

/** Signatures of policy servers: checked against the key in the room's state, asked for where they are missing. */
export class PolicySignatures implements PolicySigner {
  readonly #parts: PolicySignaturesParts
  readonly #gate: RetryGate

  constructor(parts: PolicySignaturesParts) {
    this.#parts = parts
    this.#gate = new RetryGate({ clock: parts.clock, random: Math.random, policy: RETRY })
  }

  async isSigned({ pdu, rules }: Event, { via, publicKey }: PolicyServer): Promise<boolean> {
    const signature = signatureOf(pdu, via, KEY_ID)
    const key = verifyKeyFrom(standardBase64(publicKey))
    return signature !== undefined && key !== undefined && this.#parts.checks.isValid(essentialText(pdu, rules), key, signature)
  }

  async sign(event: Event, server: PolicyServer, isForUser: boolean): Promise<Event> {
    const { via } = server
    if (!isForUser && this.#gate.waitMs(via) > 0) throw badGateway(`The room's policy server ${via} did not answer lately`)
    const signed = withSignature(event, via, await this.#ask(event, via, isForUser))
    if (!(await this.isSigned(signed, server)))
      throw forbidden(`The room's policy server ${via} has not validly signed the event`)
    return signed
  }

  /** Asks for a signature, and notes whether there was an answer. */
  async #ask(event: Event, via: ServerName, isForUser: boolean): Promise<JsonObject> {
    const { clock } = this.#parts
    const startedAt = clock.now()
    try {
      // Behind our own name there may be a policy server, too.
      const timeoutMs = isForUser ? TIMEOUT_MS.user : TIMEOUT_MS.receipt
      const answer = await this.#call(event, via, { timeoutMs, ignoreGate: true, mayBeUs: true })
      this.#gate.alive(via)
      return answer
    } catch (cause) {
      if (!(cause instanceof FederationError)) throw cause
      if (cause.status === 502) this.#gate.failed(via, startedAt)
      else this.#gate.alive(via)
      throw refusalOf(cause)
    }
  }

  async #call(event: Event, via: ServerName, options: CallOptions): Promise<JsonObject> {
    const { client, serverName, signingKey } = this.#parts
    const isOurs = serverOf(event.sender) === serverName
    // Our events are signed only when they leave.
    const body = isOurs ? signEvent(event.pdu, event.rules, serverName, signingKey) : event.pdu
    try {
      return await client.call(askPolicyServerToSign, via, { body }, options)
    } catch (cause) {
      if (!lacksEndpoint(cause)) throw cause
      return client.call(askPolicyServerToSignMsc4284, via, { body }, options)
    }
  }
}

/** The event with the policy server's signature out of an answer, beside those that it has; without one, where none is there. */
function withSignature(event: Event, via: ServerName, answer: JsonObject): Event {
  const signature = signatureOf({ signatures: answer }, via, KEY_ID)
  if (!signature) throw forbidden(`The room's policy server ${via} refuses to sign the event`)
  return { ...event, pdu: withSignatures(event.pdu, via, { [KEY_ID]: encodeBase64(signature) }) }
}

/** If the policy server returned an error, that error SHOULD be provided to the client verbatim: so is its 429. */
function refusalOf(cause: FederationError): MatrixError {
  if (cause.remoteStatus !== 429) return cause
  const { retry_after_ms: given, error } = cause.remoteBody
  const retryAfterMs = typeof given === 'number' && Number.isSafeInteger(given) && given >= 0 ? given : DEFAULT_RETRY_AFTER_MS
  const why = typeof error === 'string' ? error.slice(0, 1_000) : `The room's policy server ${cause.server} is asked too often`
  return new MatrixError(429, 'M_LIMIT_EXCEEDED', why, { retry_after_ms: retryAfterMs })
}

/** The specification's examples of such keys are URL-safe base64, what servers publish is the standard one: both are read. */
function standardBase64(text: string): string {
  return text.replaceAll('-', '+').replaceAll('_', '/')
}
