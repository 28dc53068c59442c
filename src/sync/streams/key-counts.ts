import type { DeviceKeysTable } from '../../storage/device-keys.ts'
import type { SyncExtension, SyncPart } from '../extension.ts'
import type { SyncTurn } from '../request.ts'

/** What all clients today upload keys of. */
const USUAL_ALGORITHM = 'signed_curve25519'

/** How many keys of the reader's device are left to give out. https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync */
export class KeyCountStream implements SyncExtension {
  readonly #table: DeviceKeysTable

  constructor(table: DeviceKeysTable) {
    this.#table = table
  }

  async parts({ reader: { deviceNid }, since }: SyncTurn): Promise<SyncPart[]> {
    if (deviceNid === undefined) return []
    // A count of zero is told, since there are clients that take a missing one for unchanged.
    const supply = await this.#table.supply(deviceNid)
    const counts = { [USUAL_ALGORITHM]: 0, ...supply.counts }
    const isNews = since !== undefined && this.#table.wasClaimed(deviceNid, since)
    return [
      { name: 'device_one_time_keys_count', text: JSON.stringify(counts), isNews },
      { name: 'device_unused_fallback_key_types', text: JSON.stringify(supply.unusedFallbacks), isNews },
    ]
  }
}
