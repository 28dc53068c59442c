import type { Clock } from '../core/clock.ts'
import type { Worker } from '../core/worker.ts'
import type { RemoteDevicesTable } from '../storage/remote-devices.ts'
import type { RemoteDeviceLists } from './remote-lists.ts'

/** How long until servers are asked again that did not answer; those that back off are not called for longer. */
const RETRY_MS = 5 * 60_000

/** Asks for the device lists in which an update is missing, until there are none. */
export class DeviceListResyncs implements Worker {
  readonly name = 'device list resyncs'
  readonly #parts: { clock: Clock; remoteDevices: RemoteDevicesTable; remoteLists: RemoteDeviceLists }
  #isWanted = false
  #wake: () => void = () => {}

  constructor(parts: { clock: Clock; remoteDevices: RemoteDevicesTable; remoteLists: RemoteDeviceLists }) {
    this.#parts = parts
    parts.remoteLists.onStale(() => {
      this.#isWanted = true
      this.#wake()
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, remoteDevices, remoteLists } = this.#parts
    while (!signal.aborted) {
      this.#isWanted = false
      await Promise.all((await remoteDevices.staleServers()).map((server) => remoteLists.resyncStale(server, signal)))
      if (this.#isWanted) continue
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      await clock.sleep(RETRY_MS, AbortSignal.any([signal, woken.signal]))
    }
  }
}
