import { RecentCache } from '../../core/recent-cache.ts'
import type { ServerName } from '../../../schemas/ids.ts'
import { serverOf } from '../../../schemas/ids.ts'
import { isJsonObject } from '../../../schemas/json.ts'
import type { Event, Pdu } from '../../protocol/event.ts'
import { redact } from '../../protocol/redaction.ts'
import { type SigningKey, signEvent } from '../../protocol/signing.ts'
import type { Events } from '../../storage/events.ts'

const CACHED_PDUS = 2_000

/**
 * Events as other servers get them. Ours are signed here, when they first leave (Ed25519 always gives the same signature,
 * so it need not be kept); redacted ones leave redacted.
 */
export class SignedPdus {
  readonly #parts: { serverName: ServerName; signingKey: SigningKey; events: Events }
  readonly #signed = new RecentCache<string, Pdu>(CACHED_PDUS)

  constructor(parts: { serverName: ServerName; signingKey: SigningKey; events: Events }) {
    this.#parts = parts
  }

  /** The PDUs of a set of nids, in the same order. */
  async ofNids(nids: readonly number[]): Promise<Pdu[]> {
    const { events } = this.#parts
    const whole = await events.pdus(nids)
    const stored = await events.byNids(nids)
    const pdus: Pdu[] = []
    for (const [nid, event] of whole) {
      const pdu = this.of(event)
      pdus.push(stored.get(nid)?.redacted ? redact(pdu, event.rules.redaction) : pdu)
    }
    return pdus
  }

  /** One event's PDU, not redacted. */
  of(event: Event): Pdu {
    const { serverName, signingKey } = this.#parts
    // Unsigned are ours, and the invites by address that we have made in the names of those who sent them.
    if (serverOf(event.sender) !== serverName && isSigned(event.pdu)) return event.pdu
    const known = this.#signed.get(event.eventId)
    if (known) return known
    const signed = signEvent(event.pdu, event.rules, serverName, signingKey)
    this.#signed.set(event.eventId, signed)
    return signed
  }
}

function isSigned({ signatures }: Pdu): boolean {
  return isJsonObject(signatures) && Object.keys(signatures).length > 0
}
