import { RecentCache } from '../../core/recent-cache.ts'
import type { DeviceKeysTable, KeySupply } from '../../storage/device-keys.ts'
import type { SyncExtension, SyncPart } from '../extension.ts'
import type { SyncRequest } from '../request.ts'

/** What all clients today upload keys of. */
const USUAL_ALGORITHM = 'signed_curve25519'

interface Parts {
  readonly quiet: readonly SyncPart[]
  /** The same, worth an answer. */
  readonly news: readonly SyncPart[]
}

const NOTHING: readonly SyncPart[] = []

/** How many keys of the reader's device are left to give out. https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync */
export class KeyCountStream implements SyncExtension {
  readonly #table: DeviceKeysTable
  readonly #parts = new WeakMap<KeySupply, Parts>()
  /** By what they say: devices with as many keys are told so by the same objects. */
  readonly #alike = new RecentCache<string, Parts>(1_000)

  constructor(table: DeviceKeysTable) {
    this.#table = table
  }

  /** What there is to say about a device, where it is in memory: lets hot paths go on without a promise. */
  partsAtHand(deviceNid: number | undefined): readonly SyncPart[] | undefined {
    if (deviceNid === undefined) return NOTHING
    const supply = this.#table.supplyAtHand(deviceNid)
    return supply && this.#partsOf(supply).quiet
  }

  async parts({ reader: { deviceNid }, since }: SyncRequest): Promise<readonly SyncPart[]> {
    if (deviceNid === undefined) return NOTHING
    const { quiet, news } = this.#partsOf(await this.#table.supply(deviceNid))
    return since !== undefined && this.#table.wasClaimed(deviceNid, since) ? news : quiet
  }

  /** Supplies are told far more often than they change. */
  #partsOf(supply: KeySupply): Parts {
    const known = this.#parts.get(supply)
    if (known) return known
    // A count of zero is told, since there are clients that take a missing one for unchanged.
    const counts = JSON.stringify({ [USUAL_ALGORITHM]: 0, ...supply.counts })
    const fallbacks = JSON.stringify(supply.unusedFallbacks)
    const parts = this.#alike.get(counts + fallbacks) ?? makeParts(counts, fallbacks)
    this.#alike.set(counts + fallbacks, parts)
    this.#parts.set(supply, parts)
    return parts
  }
}

function makeParts(counts: string, fallbacks: string): Parts {
  const partsOf = (isNews: boolean): SyncPart[] => [
    { name: 'device_one_time_keys_count', text: counts, isNews },
    { name: 'device_unused_fallback_key_types', text: fallbacks, isNews },
  ]
  return { quiet: partsOf(false), news: partsOf(true) }
}
