/** MSC3890. https://github.com/matrix-org/matrix-spec-proposals/pull/3890 */
import { type AccountDataTable, GLOBAL } from '../storage/account-data.ts'
import type { Batch } from '../storage/database.ts'
import type { DeviceAddress, DeviceListener } from './sessions.ts'

const TYPES = ['m.local_notification_settings.', 'org.matrix.msc3890.local_notification_settings.']

/** Whether single devices of users show notifications: account data of theirs, which goes with the device. */
export class LocalNotificationSettings implements DeviceListener {
  readonly #accountData: Pick<AccountDataTable, 'remove'>

  constructor({ accountData }: { readonly accountData: Pick<AccountDataTable, 'remove'> }) {
    this.#accountData = accountData
  }

  deviceChanged(): void {}

  deviceRemoved(batch: Batch, { userNid, deviceId }: DeviceAddress): void {
    for (const type of TYPES) this.#accountData.remove(batch, userNid, GLOBAL, `${type}${deviceId}`)
  }
}
