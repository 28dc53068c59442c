import type { Clock } from '../core/clock.ts'
import { EventStream } from '../sync/event-stream.ts'
import type { SyncFilters } from '../sync/filters.ts'
import { RoomSnapshots } from '../sync/room-snapshots.ts'
import { ReceiptStream } from '../sync/streams/receipts.ts'
import type { PresenceServices } from './presence.ts'
import type { RoomServices } from './room-services.ts'
import type { RoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'
import type { UserStreams } from './sync.ts'

/** What clients used before `/sync`. */
export function createOldSync(
  clock: Clock,
  storage: Storage,
  core: RoomCore,
  rooms: RoomServices,
  streams: UserStreams,
  filters: SyncFilters,
  { presenceStream }: Pick<PresenceServices, 'presenceStream'>,
) {
  const parts = {
    ...storage,
    ...core,
    ...rooms,
    clock,
    filters,
    notifier: streams.notifier,
    pushRules: streams.pushRules,
    typing: streams.typingUsers,
    receipts: new ReceiptStream(storage.receipts, storage.names),
    presence: presenceStream,
  }
  const eventStream = new EventStream(parts)
  return { eventStream, roomSnapshots: new RoomSnapshots({ ...parts, eventStream }) }
}
