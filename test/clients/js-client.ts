/** Clients of matrix-js-sdk, which Element is made of. */
import {
  ClientEvent,
  createClient,
  Direction,
  EventStatus,
  type MatrixClient,
  type MatrixEvent,
  MatrixEventEvent,
  RoomEvent,
  RoomMemberEvent,
  SyncState,
} from 'matrix-js-sdk'
import { type CryptoCallbacks, CryptoEvent } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { logger, type Logger } from 'matrix-js-sdk/lib/logger.js'
import type { SlidingSync } from 'matrix-js-sdk/lib/sliding-sync.js'
import type { Account } from './servers.ts'

const LONG_MS = 1_000
/** A client waits no longer for its news. */
const PATIENCE_MS = 30_000

const NEWS = [
  ClientEvent.Event,
  ClientEvent.Sync,
  ClientEvent.AccountData,
  RoomEvent.Timeline,
  RoomEvent.MyMembership,
  RoomEvent.Receipt,
  RoomEvent.Redaction,
  RoomEvent.Tags,
  RoomMemberEvent.Typing,
  MatrixEventEvent.Decrypted,
  CryptoEvent.VerificationRequestReceived,
  CryptoEvent.UserTrustStatusChanged,
  CryptoEvent.DevicesUpdated,
  CryptoEvent.KeysChanged,
  CryptoEvent.KeyBackupStatus,
  CryptoEvent.KeyBackupSessionsRemaining,
] as const

/** The library leaves timers behind, with every request and where it tries again: the process would go on for minutes. */
const setAnyTimeout = globalThis.setTimeout
const setIdleTimeout = (callback: () => void, delay?: number) => {
  const timer = setAnyTimeout(callback, delay)
  return (delay ?? 0) >= LONG_MS ? timer.unref() : timer
}
globalThis.setTimeout = Object.assign(setIdleTimeout, setAnyTimeout)

const quiet: Logger = {
  getChild: () => quiet,
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}
// Some parts of the library do not ask for the logger that they are given.
Object.assign(logger, { ...quiet, log: () => {} })

export interface ClientOptions {
  /** The device encrypts, with the Rust crypto; here is where it asks for and leaves the key of the secret storage. */
  readonly crypto?: CryptoCallbacks
  readonly fetch?: typeof fetch
  /** Follows the server by sliding sync, with what this makes, instead of `/sync`. */
  readonly slidingSync?: (sdk: MatrixClient) => SlidingSync
}

export class JsClient implements Disposable {
  readonly sdk: MatrixClient
  readonly userId: string

  private constructor(sdk: MatrixClient, userId: string) {
    this.sdk = sdk
    this.userId = userId
  }

  /** Logs in and follows the server from now on. */
  static async logIn({ url, userId, password }: Account, options: ClientOptions = {}): Promise<JsClient> {
    const login = await createClient({ baseUrl: url, logger: quiet }).loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: userId },
      password,
    })
    const { access_token: accessToken, device_id: deviceId } = login
    const sdk = createClient({
      baseUrl: url,
      userId: login.user_id,
      accessToken,
      deviceId,
      logger: quiet,
      ...(options.crypto && { cryptoCallbacks: options.crypto }),
      ...(options.fetch && { fetchFn: options.fetch }),
    })
    const client = new JsClient(sdk, login.user_id)
    // Node has no IndexedDB: what the device knows is in memory.
    if (options.crypto) await sdk.initRustCrypto({ useIndexedDB: false })
    const slidingSync = options.slidingSync?.(sdk)
    await sdk.startClient({ initialSyncLimit: 20, ...(slidingSync && { slidingSync }) })
    await client.until(() => sdk.getSyncState() === SyncState.Prepared || sdk.getSyncState() === SyncState.Syncing || undefined)
    return client
  }

  /** Resolves with the first thing that `find` finds in what the client knows, now or after later news. */
  until<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const look = () => {
      void (async () => {
        const found = await find()
        if (found !== undefined) resolve(found)
      })().catch(reject)
    }
    const deadline = setTimeout(() => reject(new Error(`${this.userId} waited in vain for: ${find}`)), PATIENCE_MS)
    for (const news of NEWS) this.sdk.on(news, look)
    look()
    return promise.finally(() => {
      clearTimeout(deadline)
      for (const news of NEWS) this.sdk.off(news, look)
    })
  }

  /** The user's membership of a room becomes this. */
  async membership(roomId: string, membership: string): Promise<void> {
    await this.until(() => this.sdk.getRoom(roomId)?.getMyMembership() === membership || undefined)
  }

  /** The event with this id, once it is shown in the room. */
  event(roomId: string, eventId: string): Promise<MatrixEvent> {
    return this.until(() => this.sdk.getRoom(roomId)?.findEventById(eventId))
  }

  /** The same, also where one has to scroll up for it, as after a gap. */
  eventFurtherUp(roomId: string, eventId: string): Promise<MatrixEvent> {
    return this.until(async () => {
      const room = this.sdk.getRoom(roomId)
      if (!room) return undefined
      while (!room.findEventById(eventId) && room.getLiveTimeline().getPaginationToken(Direction.Backward))
        await this.sdk.scrollback(room, 100)
      return room.findEventById(eventId)
    })
  }

  /** The texts of the messages that the client shows, in order. */
  texts(roomId: string): string[] {
    const events = this.sdk.getRoom(roomId)?.getLiveTimeline().getEvents() ?? []
    return events.flatMap((event) => (event.getType() === 'm.room.message' ? [String(event.getContent()['body'])] : []))
  }

  async say(roomId: string, text: string): Promise<string> {
    return (await this.sdk.sendTextMessage(roomId, text)).event_id
  }

  /** Sends once more, with the same transaction, what has got no answer: what a person does at the sight of *not sent*. */
  async sayAgain(roomId: string): Promise<string> {
    const room = this.sdk.getRoom(roomId)
    const unsent = room
      ?.getLiveTimeline()
      .getEvents()
      .find(({ status }) => status === EventStatus.NOT_SENT)
    if (!room || !unsent) throw new Error('Everything has been sent')
    return (await this.sdk.resendEvent(unsent, room)).event_id
  }

  [Symbol.dispose](): void {
    this.sdk.stopClient()
  }
}
