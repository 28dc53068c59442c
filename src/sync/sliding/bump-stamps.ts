import type { Events } from '../../storage/events.ts'
import type { Timelines } from '../../storage/timelines.ts'

/** What counts as activity for the order in which clients show rooms (MSC4186, `bump_stamp`). */
const BUMPING: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.call.invite',
  'm.poll.start',
  'org.matrix.msc3381.poll.start',
  'm.beacon_info',
  'org.matrix.msc3672.beacon_info',
])

/** How many events are looked at in a first and in a second step; what lies beyond is not worth the search. */
const STEPS = [5, 95]

/** The position of the last event up to `upTo` that is activity, or of the oldest that was looked at. */
export async function bumpStamp(
  { timelines, events }: { timelines: Timelines; events: Events },
  roomNid: number,
  upTo: number,
): Promise<number> {
  let end = upTo
  for (const step of STEPS) {
    const entries = await timelines.backwards(roomNid, 0, end, step)
    const stored = await events.byNids(entries.map(({ nid }) => nid))
    const bumped = entries.find(({ nid }) => BUMPING.has(stored.get(nid)?.type ?? ''))
    if (bumped) return bumped.position
    const oldest = entries.at(-1)
    if (!oldest) break
    end = oldest.position - 1
  }
  return Math.max(end, 0)
}
