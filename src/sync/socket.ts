import type { DeviceId } from '../../schemas/ids.ts'
import { isJsonObject, stringAt } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import { MatrixError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { WebSocketListener, WebSocketPort } from '../http/web-socket.ts'
import { decodeToken } from '../streams/position.ts'
import type { Follower, Waiting } from '../streams/follower.ts'
import type { Notifier } from '../streams/notifier.ts'
import type { LiveAnswers, LiveNews, LiveReader, LiveRound } from './live-answers.ts'
import type { Sync } from './long-poll.ts'
import type { SyncRequest } from './request.ts'

/** How often a socket is looked after: its token is checked again, its client is pinged and shown as present. */
export const CHECK_INTERVAL_MS = 30_000
/** What acknowledgements mean for others, that the client is there and what it does not need any more, can wait for so long. */
const ATTEND_INTERVAL_MS = 1_000
/** So many answers may be on their way without an acknowledgement. */
export const MAX_UNACKNOWLEDGED = 50
/** A client may say so much more between two checks than it has answers to acknowledge. */
const MAX_CHATTER = 100

/** Why the server ends a socket: 4000 and the status that HTTP has for it. */
const CLOSE = { junk: 4400, token: 4401, slow: 4408, replaced: 4409, chatter: 4429, failure: 1011 } as const
/** What RFC 6455 has for a connection that ended without a word. */
const BROKEN = 1006

/** What a client asks for when it opens a socket. */
export interface SocketSession {
  readonly request: SyncRequest
  /** Rejects once the access token is not good any more. */
  readonly authenticateAgain: () => Promise<unknown>
  /** IP address of the client. */
  readonly address: string
  readonly deviceId: DeviceId | undefined
}

export interface SyncSocketParts {
  sync: Pick<Sync, 'begin' | 'answer'>
  notifier: Notifier
  liveAnswers: LiveAnswers<Buffer>
  frameOf: (text: string) => Buffer
  log: Logger
}

/** What one socket asks of those who keep them all. */
export interface SocketKeeper {
  /** There may be something to send. */
  due(socket: SyncSocket): void
  /** Said once. */
  closed(socket: SyncSocket): void
}

/**
 * One device's socket: `/sync` answers, one after another, each going on where the last one ended. Answers are built only while
 * the client takes and acknowledges them, so one that is slow gets fewer and larger ones; it never makes them pile up.
 */
export class SyncSocket implements WebSocketListener, Waiting {
  readonly session: SocketSession
  readonly #parts: SyncSocketParts
  readonly #port: WebSocketPort
  readonly #keeper: SocketKeeper
  #follower: Follower | undefined
  #reader: LiveReader | undefined
  /** Everything up to here has been sent. */
  #position: number | undefined
  #acknowledged: number | undefined
  /** The positions of the answers that the client has not acknowledged, in order. */
  #unacknowledged: number[] = []
  #isAnswering = false
  /** Something has happened that could not be looked at yet. */
  #isDue = false
  #isOver = false
  /** How many answers have been sent. */
  #answers = 0
  readonly #openedAt = performance.now()
  #attendedAt = Number.NEGATIVE_INFINITY
  #chatter = 0
  #hasBeat = true
  /** As of the last check. */
  #before = { sentBytes: 0, isStuck: false, acknowledged: undefined as number | undefined }

  constructor(session: SocketSession, port: WebSocketPort, keeper: SocketKeeper, parts: SyncSocketParts) {
    this.session = session
    this.#port = port
    this.#keeper = keeper
    this.#parts = parts
    this.#position = session.request.since
    this.#acknowledged = session.request.since
  }

  get #isTaking(): boolean {
    return !this.#port.isFull && this.#unacknowledged.length < MAX_UNACKNOWLEDGED
  }

  /** Sends the first answer, be there news or not, and from then on whatever happens. */
  async begin(): Promise<void> {
    await this.#attempt(async () => {
      await this.#parts.sync.begin(this.session.request)
      const follower = await this.#parts.notifier.follow(this.session.request.reader.userNid)
      if (this.#isOver) return
      this.#follower = follower
      follower.add(this)
      await this.#answer(true)
    })
  }

  /** Sends what others have been sent already, which most sockets get and none of these waits for; false where that is not all. */
  tellAtOnce(round: LiveRound<Buffer>): boolean {
    const from = this.#position
    const reader = this.#readerAt(round.since)
    const room = this.#follower?.onlyRoomSince(round.since)
    if (from === undefined || !reader || room === undefined) return false
    const frame = round.answerAtHand(reader, from, room)
    if (frame) this.send(frame, round.upTo)
    return frame !== undefined
  }

  /**
   * Who reads what, where all that has happened to the user since `position` is in some rooms, and everything before has been
   * sent. Undefined where an answer of its own is needed, or none now.
   */
  newsAfter(position: number): LiveNews | undefined {
    const from = this.#position
    const reader = this.#readerAt(position)
    const rooms = this.#follower?.roomsSince(position)
    return from === undefined || !reader || !rooms ? undefined : { reader, since: from, rooms }
  }

  /** The reader, where everything up to `position` has been sent. */
  #readerAt(position: number): LiveReader | undefined {
    const from = this.#position
    if (this.#isAnswering || !this.#isTaking || from === undefined || from > position) return undefined
    return this.#follower?.wasQuiet(from, position) ? this.#reader : undefined
  }

  /** Sends an answer with the token of a position; undefined where there was nothing new. */
  send(frame: Buffer | undefined, upTo: number): void {
    if (this.#isOver) return
    this.#position = upTo
    if (!frame) return
    this.#unacknowledged.push(upTo)
    this.#chatter--
    this.#answers++
    this.#port.send(frame)
  }

  /** Builds an answer of its own, now or as soon as the client takes it. */
  async catchUp(): Promise<void> {
    if (this.#isAnswering || !this.#isTaking) this.#isDue = true
    else await this.#attempt(() => this.#answer(false))
  }

  /** @inheritdoc */
  wake(): void {
    this.#keeper.due(this)
  }

  /** @inheritdoc */
  said(text: string): void {
    this.#hasBeat = true
    if (++this.#chatter > MAX_CHATTER) return this.#close(CLOSE.chatter, 'Too many messages')
    const position = acknowledgedBy(text)
    if (position === undefined) return this.#close(CLOSE.junk, 'A message is {"ack": "<next_batch>"}')
    const index = this.#unacknowledged.indexOf(position)
    if (index === -1) {
      if (position > (this.#acknowledged ?? 0)) this.#close(CLOSE.junk, 'No answer had that next_batch')
      return
    }
    this.#unacknowledged.splice(0, index + 1)
    this.#acknowledged = position
    if (performance.now() - this.#attendedAt >= ATTEND_INTERVAL_MS) void this.#attempt(() => this.#attend())
    this.drained()
  }

  /** @inheritdoc */
  drained(): void {
    if (!this.#isDue || !this.#isTaking) return
    this.#isDue = false
    this.#keeper.due(this)
  }

  /** @inheritdoc */
  beat(): void {
    this.#hasBeat = true
    if (++this.#chatter > MAX_CHATTER) this.#close(CLOSE.chatter, 'Too many messages')
  }

  /** @inheritdoc */
  closed(code: number, reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#follower?.remove(this)
    this.#keeper.closed(this)
    this.#logEnd(code, reason)
  }

  #logEnd(code: number, reason: string): void {
    const { request, deviceId, address } = this.session
    this.#parts.log.info(
      {
        user: request.reader.userId,
        device: deviceId,
        address,
        code,
        reason,
        seconds: Math.round((performance.now() - this.#openedAt) / 1000),
        answers: this.#answers,
        unacknowledged: this.#unacknowledged.length,
        bytes: this.#port.sentBytes,
      },
      'A sync socket has closed',
    )
  }

  /** The device has opened another one. */
  replace(): void {
    this.#close(CLOSE.replaced, 'Another socket of the device has taken over')
  }

  /** Every now and then: is the client there, does it take what it gets, and is its token still good? */
  async check(): Promise<void> {
    const { sentBytes, isStuck, acknowledged } = this.#before
    const isAlive = this.#hasBeat || this.#port.sentBytes > sentBytes
    if (!isAlive) {
      this.#port.terminate()
      return this.closed(BROKEN, 'It answered no ping')
    }
    const isFull = this.#unacknowledged.length >= MAX_UNACKNOWLEDGED
    if (isFull && isStuck && acknowledged === this.#acknowledged) return this.#close(CLOSE.slow, 'Answers are not acknowledged')
    this.#before = { sentBytes: this.#port.sentBytes, isStuck: isFull, acknowledged: this.#acknowledged }
    this.#hasBeat = false
    this.#chatter = Math.min(this.#chatter, 0)
    this.#port.ping()
    await this.checkToken()
    if (!this.#isOver) await this.#attempt(() => this.#attend())
  }

  /** Ends the socket where its token is not good any more. */
  async checkToken(): Promise<void> {
    await this.#attempt(async () => void (await this.session.authenticateAgain()))
  }

  /** What the client has acknowledged has arrived, and it is there. */
  async #attend(): Promise<void> {
    const { request } = this.session
    this.#attendedAt = performance.now()
    await this.#parts.notifier.follow(request.reader.userNid)
    await this.#parts.sync.begin({ ...request, since: this.#acknowledged, timeoutMs: CHECK_INTERVAL_MS })
  }

  async #answer(isFirst: boolean): Promise<void> {
    if (!this.#follower || this.#isOver) return
    this.#isAnswering = true
    try {
      const asked = { ...this.session.request, since: this.#position }
      const answer = await this.#parts.sync.answer(asked, this.#follower)
      this.#reader = await this.#parts.liveAnswers.reader(asked)
      this.send(answer.isEmpty && !isFirst ? undefined : this.#parts.frameOf(answer.texts.join('')), answer.upTo)
    } finally {
      this.#isAnswering = false
    }
    this.drained()
  }

  async #attempt(task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (cause) {
      this.fail(cause)
    }
  }

  /** Ends the socket for an error: that of a token that has ended, or one of ours. */
  fail(cause: unknown): void {
    if (this.#isOver) return
    if (cause instanceof MatrixError && cause.status < 500) {
      const softly = cause.extra['soft_logout'] === true ? ' soft_logout' : ''
      return this.#close(CLOSE.token, `${cause.errcode}${softly}`)
    }
    this.#parts.log.error({ err: cause, user: this.session.request.reader.userId }, 'A sync socket failed')
    this.#close(CLOSE.failure, 'Internal server error')
  }

  #close(code: number, reason: string): void {
    this.#port.close(code, reason)
    this.closed(code, reason)
  }
}

/** The position that a message of a client acknowledges; undefined where it is none that is understood. */
function acknowledgedBy(text: string): number | undefined {
  try {
    const message = parseJson(text)
    const token = isJsonObject(message) ? stringAt(message, 'ack') : undefined
    return token === undefined ? undefined : decodeToken(token)
  } catch {
    return undefined
  }
}
