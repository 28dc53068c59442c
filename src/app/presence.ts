import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { FederationSender } from '../federation/sender/worker.ts'
import { Presence } from '../rooms/presence.ts'
import { PresenceUsers } from '../streams/presence.ts'
import { PresenceStream } from '../sync/streams/presence.ts'
import type { Storage } from './storage.ts'

export type PresenceServices = ReturnType<typeof createPresence>

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
  return {
    presence,
    presenceStream: new PresenceStream({ ...storage, serverName: config.serverName, clock, presence, presenceUsers }),
  }
}
