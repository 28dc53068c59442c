/**
 * The federation sender: what waits in the outbox goes to its destinations, each served by a loop of its own that lives
 * while something waits for it. A destination that fails is left alone by the rules of the shared gate, and gets what it
 * missed when it is back: rows leave the outbox only when they have been acknowledged, so this holds after a restart too.
 */
import { parseJson } from '../../core/json-text.ts'
import type { ServerName } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { sendTransaction } from '../../../schemas/server/transactions.ts'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { Worker } from '../../core/worker.ts'
import type { Pdu } from '../../protocol/event.ts'
import type { Database } from '../../storage/database.ts'
import type { Outbox } from '../../storage/outbox.ts'
import type { FederationClient } from '../client.ts'
import { FederationError } from '../errors.ts'
import type { RetryGate } from '../retry-gate.ts'
import type { SignedPdus } from './signed-pdus.ts'

const MAX_PDUS = 50
const MAX_EDUS = 100
/** With more events waiting for a destination that is down, only the latest of each room is kept. */
const CATCH_UP_EVENTS = 500
const TIMEOUT_MS = 60_000
const MAX_EPHEMERAL = 1_000

export interface FederationSenderParts {
  serverName: ServerName
  db: Database
  outbox: Outbox
  pdus: SignedPdus
  client: FederationClient
  gate: RetryGate
  clock: Clock
  log: Logger
}

/** What goes into one transaction. */
interface Parcel {
  readonly id: string
  readonly eventNids: readonly number[]
  /** Position of the last durable EDU in it. */
  readonly eduPosition: number | undefined
  readonly body: { origin: ServerName; origin_server_ts: number; pdus: Pdu[]; edus: JsonObject[] }
}

export class FederationSender implements Worker {
  readonly name = 'federation sender'
  readonly #parts: FederationSenderParts
  readonly #running = new Map<ServerName, Promise<void>>()
  /** Destinations for which something was enqueued since their loop last looked. */
  readonly #woken = new Set<ServerName>()
  /** EDUs that are worth nothing later: by destination, the latest for each key. */
  readonly #ephemeral = new Map<ServerName, Map<string, JsonObject>>()
  readonly #sleepers = new Map<ServerName, AbortController>()
  #signal: AbortSignal = AbortSignal.abort()
  #count = 0

  constructor(parts: FederationSenderParts) {
    this.#parts = parts
    parts.outbox.onEnqueued((destinations) => destinations.forEach((destination) => this.#wake(destination)))
    parts.gate.onRecovery((server) => {
      this.#sleepers.get(server)?.abort()
      this.#wake(server)
    })
  }

  /** Servers that are being sent to, or wait to be tried again. */
  get busy(): number {
    return this.#running.size
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    for (const destination of await this.#parts.outbox.destinations()) this.#wake(destination)
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    for (const sleeper of this.#sleepers.values()) sleeper.abort()
    await Promise.all(this.#running.values())
  }

  /**
   * Sends an EDU to servers that are up. `key` names what it is about: of two with the same key only the later is sent,
   * if the earlier still waits.
   */
  sendEphemeral(destinations: Iterable<ServerName>, key: string, edu: JsonObject): void {
    for (const destination of destinations) {
      if (this.#parts.gate.waitMs(destination) > 0) continue
      const waiting = this.#ephemeral.get(destination) ?? new Map<string, JsonObject>()
      this.#ephemeral.set(destination, waiting)
      if (waiting.size < MAX_EPHEMERAL || waiting.has(key)) waiting.set(key, edu)
      this.#wake(destination)
    }
  }

  #wake(destination: ServerName): void {
    this.#woken.add(destination)
    if (this.#signal.aborted || this.#running.has(destination)) return
    const loop = this.#deliver(destination).catch((cause: unknown) => {
      this.#parts.log.error({ err: cause, destination }, 'Sending to a server failed unexpectedly')
      this.#running.delete(destination)
    })
    this.#running.set(destination, loop)
  }

  /** Sends until nothing waits for the destination any more. */
  async #deliver(destination: ServerName): Promise<void> {
    let parcel: Parcel | undefined
    while (!this.#signal.aborted) {
      await this.#waitForGate(destination)
      this.#woken.delete(destination)
      parcel ??= await this.#nextParcel(destination)
      if (!parcel && this.#woken.has(destination)) continue
      if (!parcel || this.#signal.aborted) break
      if (await this.#send(destination, parcel)) parcel = undefined
      else parcel = (await this.#collapse(destination)) ? undefined : parcel
    }
    // In the same turn as the decision to stop: whoever enqueues from now on starts another loop.
    this.#running.delete(destination)
  }

  async #waitForGate(destination: ServerName): Promise<void> {
    const { gate, clock } = this.#parts
    const waitMs = gate.waitMs(destination)
    if (waitMs === 0) return
    const sleeper = new AbortController()
    this.#sleepers.set(destination, sleeper)
    await clock.sleep(waitMs, AbortSignal.any([sleeper.signal, this.#signal]))
    this.#sleepers.delete(destination)
  }

  async #nextParcel(destination: ServerName): Promise<Parcel | undefined> {
    const { serverName, outbox, pdus, clock } = this.#parts
    const eventNids = await outbox.events(destination, MAX_PDUS)
    const durable = await outbox.edus(destination, MAX_EDUS)
    const ephemeral = this.#takeEphemeral(destination, MAX_EDUS - durable.length)
    if (eventNids.length + durable.length + ephemeral.length === 0) return undefined
    const now = clock.now()
    return {
      id: `${now}.${this.#count++}`,
      eventNids,
      eduPosition: durable.at(-1)?.position,
      body: {
        origin: serverName,
        origin_server_ts: now,
        pdus: await pdus.ofNids(eventNids),
        edus: [...durable.map(({ edu }) => parseJson(edu) as JsonObject), ...ephemeral],
      },
    }
  }

  #takeEphemeral(destination: ServerName, limit: number): JsonObject[] {
    const waiting = this.#ephemeral.get(destination)
    if (!waiting) return []
    const taken = [...waiting].slice(0, limit)
    for (const [key] of taken) waiting.delete(key)
    if (waiting.size === 0) this.#ephemeral.delete(destination)
    return taken.map(([, edu]) => edu)
  }

  /** True when the destination has the parcel, or never will. */
  async #send(destination: ServerName, parcel: Parcel): Promise<boolean> {
    const { client, db, outbox, log, gate, clock } = this.#parts
    const startedAt = clock.now()
    try {
      const options = { timeoutMs: TIMEOUT_MS, signal: this.#signal }
      const answer = await client.call(sendTransaction, destination, { params: { txnId: parcel.id }, body: parcel.body }, options)
      for (const [eventId, { error }] of Object.entries(answer.pdus ?? {})) {
        if (error !== undefined) log.info({ destination, eventId, error }, 'Another server refused an event')
      }
    } catch (cause) {
      if (!(cause instanceof FederationError)) throw cause
      if (cause.failure === 'aborted' || cause.failure === 'backing-off') return false
      log.info(
        { destination, failure: cause.failure, detail: cause.detail, events: parcel.eventNids.length },
        'A server could not be sent to',
      )
      if (cause.failure !== 'denied') {
        gate.failed(destination, startedAt)
        return false
      }
    }
    await db.write((batch) => outbox.acknowledge(batch, destination, parcel.eventNids, parcel.eduPosition))
    return true
  }

  /** True when so much waits for a destination that is down that only the latest event of each room was kept. */
  async #collapse(destination: ServerName): Promise<boolean> {
    const { db, outbox } = this.#parts
    if ((await outbox.countEvents(destination)) <= CATCH_UP_EVENTS) return false
    await db.write((batch) => outbox.collapse(batch, destination))
    return true
  }
}
