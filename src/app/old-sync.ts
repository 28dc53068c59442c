import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { FederationSender } from '../federation/sender/worker.ts'
import { Presence } from '../rooms/presence.ts'
import { PresenceUsers } from '../streams/presence.ts'
import { EventStream } from '../sync/event-stream.ts'
import type { SyncFilters } from '../sync/filters.ts'
import { RoomSnapshots } from '../sync/room-snapshots.ts'
import { PresenceStream } from '../sync/streams/presence.ts'
import { ReceiptStream } from '../sync/streams/receipts.ts'
import type { RoomServices } from './room-services.ts'
import type { RoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'
import type { UserStreams } from './sync.ts'

type PresenceServices = ReturnType<typeof createPresence>

/** Who is online. */
export function createPresence(
  config: Config,
  clock: Clock,
  storage: Storage,
  federationSender: Pick<FederationSender, 'sendEphemeral'>,
) {
  const presenceUsers = new PresenceUsers(storage.db)
  const presence = new Presence({
    ...storage,
    serverName: config.serverName,
    enabled: config.presence.enabled,
    clock,
    presenceUsers,
    sendPresence: (servers, push) => {
      if (push.length === 0) return
      const about = push.map(({ user_id: userId }) => userId).join(' ')
      federationSender.sendEphemeral(servers, `m.presence ${about}`, { edu_type: 'm.presence', content: { push: [...push] } })
    },
  })
  return { presence, presenceStream: new PresenceStream({ ...storage, clock, presence, presenceUsers }) }
}

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
    ignoredUsers: streams.accountData,
    typing: streams.typingUsers,
    receipts: new ReceiptStream(storage.receipts, storage.names),
    presence: presenceStream,
  }
  const eventStream = new EventStream(parts)
  return { eventStream, roomSnapshots: new RoomSnapshots({ ...parts, eventStream }) }
}
