import { Limiter } from '../core/limiter.ts'
import type { Follower } from '../streams/follower.ts'
import type { Notifier } from '../streams/notifier.ts'
import { groupOf, type LiveAnswers, type LiveReader, type LiveRound } from './live-answers.ts'
import type { SyncRequest } from './request.ts'

/** The pieces of an answer's JSON text. */
export type SyncTexts = readonly string[]

export interface LivePollsParts {
  notifier: Notifier
  liveAnswers: LiveAnswers<SyncTexts>
}

/** A device that polls, and what is known of it: good as long as nothing happens to its user that it is not told here. */
interface Kept {
  readonly reader: LiveReader
  /** The device has been told everything up to here. */
  upTo: number
}

/** The same news, told to all whom an announcement wakes. */
interface Telling {
  readonly round: LiveRound<SyncTexts>
  /** The first makes what the others share. */
  readonly turns: Limiter
}

/** Answers for long polls that wait while something happens in a room: what many of them get is made once. */
export class LivePolls {
  readonly #parts: LivePollsParts
  /** By device. */
  readonly #kept = new WeakMap<Follower, Map<number | undefined, Kept>>()
  #telling: Telling | undefined

  constructor(parts: LivePollsParts) {
    this.#parts = parts
  }

  /**
   * The answer for a poll that was woken, having been told everything up to `seen`; undefined where the answer has to
   * be built for the one reader, or is empty.
   */
  async answer(request: SyncRequest, follower: Follower, seen: number): Promise<SyncTexts | undefined> {
    const kept = this.#kept.get(follower)?.get(request.reader.deviceNid)
    const { round, turns } = this.#now()
    if (kept?.reader.group !== groupOf(request) || !follower.wasQuiet(Math.min(kept.upTo, seen), round.since)) return undefined
    const { reader } = kept
    const room = follower.onlyRoomSince(round.since)
    const atHand = () => (room === undefined ? undefined : round.answerAtHand(reader, seen, room))
    const make = async (rooms = follower.roomsSince(round.since)) =>
      rooms === undefined ? 'personal' : round.answer({ reader, since: seen, rooms })
    const answer = atHand() ?? (await turns.run(async () => atHand() ?? make()))
    if (answer === 'personal' || answer === 'nothing') return undefined
    kept.upTo = round.upTo
    return answer
  }

  /** Remembers a reader who has waited and was told everything up to a position: it is likely to come back. */
  async keep(request: SyncRequest, follower: Follower, upTo: number): Promise<void> {
    const reader = await this.#parts.liveAnswers.reader(request)
    const devices = this.#kept.get(follower) ?? new Map<number | undefined, Kept>()
    devices.set(request.reader.deviceNid, { reader, upTo })
    this.#kept.set(follower, devices)
  }

  #now(): Telling {
    const { since, upTo } = this.#parts.notifier.latest
    if (this.#telling?.round.upTo !== upTo)
      this.#telling = { round: this.#parts.liveAnswers.round(since, upTo), turns: new Limiter(1) }
    return this.#telling
  }
}
