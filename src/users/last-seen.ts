import type { Clock } from '../core/clock.ts'
import type { Worker } from '../core/worker.ts'
import type { Database } from '../storage/database.ts'
import type { Devices, Sighting } from '../storage/devices.ts'

const FLUSH_INTERVAL_MS = 5_000

/** Collects when and from where devices were last heard of, and writes it down now and then, all devices together. */
export class LastSeen implements Worker {
  readonly name = 'last seen'
  readonly #db: Database
  readonly #devices: Devices
  readonly #clock: Clock
  #unsaved = new Map<number, Sighting>()

  constructor({ db, devices, clock }: { db: Database; devices: Devices; clock: Clock }) {
    this.#db = db
    this.#devices = devices
    this.#clock = clock
  }

  note(deviceNid: number, sighting: Sighting): void {
    this.#unsaved.set(deviceNid, sighting)
  }

  async flush(): Promise<void> {
    if (this.#unsaved.size === 0) return
    const sightings = this.#unsaved
    this.#unsaved = new Map()
    await this.#db.write((batch) => {
      for (const [deviceNid, sighting] of sightings) this.#devices.setSeen(batch, deviceNid, sighting)
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(FLUSH_INTERVAL_MS, signal)
      await this.flush()
    }
  }
}
