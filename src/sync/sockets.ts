import { scheduler } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import { limitExceeded } from '../core/errors.ts'
import { Tally } from '../core/tally.ts'
import type { Worker } from '../core/worker.ts'
import { networkOf } from '../http/client-address.ts'
import type { WebSocketListener, WebSocketPort } from '../http/web-socket.ts'
import type { Reader } from '../rooms/client-events.ts'
import type { Database } from '../storage/database.ts'
import type { LiveRound } from './live-answers.ts'
import { CHECK_INTERVAL_MS, type SocketKeeper, type SocketSession, SyncSocket, type SyncSocketParts } from './socket.ts'

/** Sockets of one user, over all devices. */
const MAX_OF_USER = 100
const RETRY_AFTER_MS = 60_000
/** Sockets are looked after a few at a time. */
const TICK_MS = 1_000
/** Many deliveries let others have their turn after so many milliseconds. */
const YIELD_AFTER_MS = 10

export interface SyncSocketsParts extends SyncSocketParts {
  db: Database
  clock: Clock
  /** So many sockets may be open from one address. */
  maxOfAddress: number
}

interface Kept {
  readonly socket: SyncSocket
  /** Milliseconds since the epoch. */
  checkedAt: number
}

/** All sockets of `/sync`, one a device. What has happened is told to all whom it concerns in one go. */
export class SyncSockets implements Worker, SocketKeeper {
  readonly name = 'sync sockets'
  readonly #parts: SyncSocketsParts
  /** By device; the one that was not looked after for the longest time comes first. */
  readonly #byDevice = new Map<number, Kept>()
  readonly #byUser = new Tally<number>()
  readonly #byNetwork = new Tally<string>()
  readonly #due = new Set<SyncSocket>()
  #isTelling = false
  /** All sockets that are not due, and take what they get, have had everything up to here. */
  #position: number

  constructor(parts: SyncSocketsParts) {
    this.#parts = parts
    this.#position = parts.db.position
  }

  get size(): number {
    return this.#byDevice.size
  }

  /** @throws {MatrixError} M_LIMIT_EXCEEDED where the user has too many sockets already, or the address */
  assertMayOpen({ request: { reader }, address }: SocketSession): void {
    const replaced = this.#byDevice.get(keyOf(reader))?.socket.session
    if (!replaced && this.#byUser.of(reader.userNid) >= MAX_OF_USER) this.#refuse('sockets of a user', reader.userId)
    const network = networkOf(address)
    const isThere = replaced !== undefined && networkOf(replaced.address) === network
    if (!isThere && this.#byNetwork.of(network) >= this.#parts.maxOfAddress) this.#refuse('sockets of an address', network)
  }

  #refuse(limiter: string, key: string): never {
    this.#parts.log.info({ limiter, key, waitMs: RETRY_AFTER_MS }, 'Rate limit exceeded')
    throw limitExceeded(RETRY_AFTER_MS, limiter)
  }

  /** Opens a device's socket, in place of the one that it had. */
  open(session: SocketSession, port: WebSocketPort): WebSocketListener {
    const { reader } = session.request
    const key = keyOf(reader)
    this.#byDevice.get(key)?.socket.replace()
    const socket = new SyncSocket(session, port, this, this.#parts)
    this.#byDevice.set(key, { socket, checkedAt: this.#parts.clock.now() })
    this.#byUser.add(reader.userNid)
    this.#byNetwork.add(networkOf(session.address))
    void socket.begin()
    return socket
  }

  /** @inheritdoc */
  due(socket: SyncSocket): void {
    this.#due.add(socket)
    if (this.#isTelling) return
    this.#isTelling = true
    // All whom an announcement concerns are told together.
    queueMicrotask(() => void this.#tellAll())
  }

  /** @inheritdoc */
  closed(socket: SyncSocket): void {
    this.#due.delete(socket)
    const { request, address } = socket.session
    this.#byDevice.delete(keyOf(request.reader))
    this.#byUser.remove(request.reader.userNid)
    this.#byNetwork.remove(networkOf(address))
  }

  /** A token of the device has been revoked, or means something else now. */
  tokenChanged(deviceNid: number): void {
    void this.#byDevice.get(deviceNid)?.socket.checkToken()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal)
      this.#checkSome(clock.now())
    }
  }

  #checkSome(now: number): void {
    for (const [key, kept] of this.#byDevice) {
      if (now - kept.checkedAt < CHECK_INTERVAL_MS) return
      kept.checkedAt = now
      this.#byDevice.delete(key)
      this.#byDevice.set(key, kept)
      void kept.socket.check()
    }
  }

  async #tellAll(): Promise<void> {
    const { db, liveAnswers } = this.#parts
    let started = performance.now()
    while (this.#due.size > 0) {
      const round = liveAnswers.round(this.#position, db.position)
      this.#position = round.upTo
      for (const socket of this.#takeDue()) {
        if (!socket.tellAtOnce(round)) await this.#tell(round, socket)
        if (performance.now() - started < YIELD_AFTER_MS) continue
        await scheduler.yield()
        started = performance.now()
      }
    }
    this.#isTelling = false
  }

  #takeDue(): SyncSocket[] {
    const due = [...this.#due]
    this.#due.clear()
    return due
  }

  async #tell(round: LiveRound<Buffer>, socket: SyncSocket): Promise<void> {
    try {
      const news = socket.newsAfter(round.since)
      const answer = news ? await round.answer(news) : 'personal'
      // An answer of its own does not hold up the others.
      if (answer === 'personal') void socket.catchUp()
      else socket.send(answer === 'nothing' ? undefined : answer, round.upTo)
    } catch (cause) {
      socket.fail(cause)
    }
  }
}

/** A reader without a device counts as one. */
const keyOf = ({ deviceNid, userNid }: Reader): number => deviceNid ?? -userNid
