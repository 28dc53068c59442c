/** Events that honest servers do not make: on top of any others, and authorised by a state that is not the one before them. */
import type { EventId, RoomId } from '../../schemas/ids.ts'
import { authStateKeys } from '../../src/protocol/auth-events.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import type { Event } from '../../src/protocol/event.ts'
import { referenceHash } from '../../src/protocol/hashes.ts'
import type { Draft } from '../../src/rooms/send.ts'
import { isPlaced } from '../../src/storage/stored-event.ts'
import type { Random } from '../support/random.ts'
import type { Replica } from '../support/replica.ts'

/**
 * An event as the draft says, on one or two of the events of a room that a server has, or on the room's end; `others` are those
 * that it may know. Undefined where it knows none of them.
 */
export async function forge(
  random: Random,
  replica: Replica,
  roomId: RoomId,
  draft: Draft,
  others: readonly Event[],
): Promise<Event | undefined> {
  const room = await replica.room(roomId)
  const stored = await replica.stored(others.map(({ eventId }) => eventId))
  const known = others.filter(({ eventId }) => isPlaced(stored.get(eventId), room))
  if (known.length === 0) return undefined
  const { extremities } = await replica.core.heads.get(room)
  const ends = await replica.events(extremities.map(({ eventId }) => eventId))
  const prev = random.chance(0.5) ? ends : [...new Set([random.pick(known), random.pick(known)])]
  const root = stored.get(random.pick(known).eventId)?.stateAfter ?? 0
  const { events: auth } = await replica.core.states.lookup(
    root,
    authStateKeys({ ...draft, stateKey: draft.stateKey }, room.rules),
  )
  const hashes = new Map([...prev, ...auth].map((event) => [event.eventId, referenceHash(event.pdu, event.rules)]))
  const eventId = `$forged${random.below(2 ** 31)}:${replica.name}` as EventId
  const chosen = { eventId, referenceHashOf: (cited: EventId) => hashes.get(cited) ?? new Uint8Array() }
  return buildEvent(
    {
      ...draft,
      roomId,
      originServerTs: replica.clock.now(),
      depth: 1 + Math.max(...prev.map(({ depth }) => depth)),
      prevEvents: prev.map((event) => event.eventId),
      authEvents: auth.map((event) => event.eventId),
      chosen: room.rules.eventIdFormat === 'chosen' ? chosen : undefined,
    },
    room.rules,
  )
}
