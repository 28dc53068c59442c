import type { ToDevice } from '../../devices/to-device.ts'
import type { SyncExtension, SyncPart } from '../extension.ts'
import type { SyncRequest, SyncTurn } from '../request.ts'

/** Messages to the reader's device. https://spec.matrix.org/v1.19/client-server-api/#extensions-to-sync */
export class ToDeviceStream implements SyncExtension {
  readonly #toDevice: ToDevice

  constructor(toDevice: ToDevice) {
    this.#toDevice = toDevice
  }

  async begin({ reader, since }: SyncRequest): Promise<void> {
    if (reader.deviceNid !== undefined && since !== undefined)
      await this.#toDevice.acknowledge(reader.userNid, reader.deviceNid, since)
  }

  async parts(turn: SyncTurn): Promise<SyncPart[]> {
    const messages = await this.messages(turn)
    return messages.length === 0 ? [] : [{ name: 'to_device', text: `{"events":[${messages.join(',')}]}`, isNews: true }]
  }

  /** The messages themselves, as JSON texts. @param limit how many at most, where fewer are wanted than usual */
  async messages({ reader, since, upTo }: SyncTurn, limit?: number): Promise<readonly string[]> {
    return reader.deviceNid === undefined ? [] : this.#toDevice.deliver(reader.deviceNid, since, upTo, limit)
  }
}
