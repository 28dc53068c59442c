import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { DehydratedDevices } from '../devices/dehydrated-devices.ts'
import { DeviceAnnouncer } from '../devices/announcer.ts'
import { CrossSigning } from '../devices/cross-signing.ts'
import { DeviceKeys } from '../devices/device-keys.ts'
import { DeviceLists } from '../devices/device-lists.ts'
import { KeyBackups } from '../devices/key-backup.ts'
import { KeyQueries } from '../devices/key-queries.ts'
import { KeySignatures } from '../devices/key-signatures.ts'
import { PublishedKeys } from '../devices/published-keys.ts'
import type { RemoteDevices } from '../devices/remote.ts'
import { RemoteDeviceLists } from '../devices/remote-lists.ts'
import { DeviceListResyncs } from '../devices/resyncs.ts'
import { SharedRooms } from '../devices/shared-rooms.ts'
import { ToDevice } from '../devices/to-device.ts'
import { DeviceListStream } from '../sync/streams/device-lists.ts'
import { KeyCountStream } from '../sync/streams/key-counts.ts'
import { ToDeviceStream } from '../sync/streams/to-device.ts'
import { StateAtPosition } from '../rooms/state-at-position.ts'
import type { Notifier } from '../streams/notifier.ts'
import type { Sessions } from '../users/sessions.ts'
import type { UserInteractiveAuth } from '../users/uia.ts'
import type { RoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'

export type DeviceServices = ReturnType<typeof createDevices>

/** What accounts tell of their devices. It has to be there before anything is written. */
export function createDeviceLists(config: Config, storage: Storage): DeviceLists {
  return new DeviceLists({ ...storage, serverName: config.serverName })
}

/** What users' devices do with one another: keys, messages, backups. */
export function createDevices(
  config: Config,
  clock: Clock,
  storage: Storage,
  deviceLists: DeviceLists,
  { uia, sessions }: { readonly uia: UserInteractiveAuth; readonly sessions: Sessions },
  remote: RemoteDevices,
) {
  const { serverName } = config
  const allowNames = config.federation.allowDeviceNameLookup
  const publishedKeys = new PublishedKeys({ ...storage })
  const common = { ...storage, serverName, clock, deviceLists, uia, remote, allowNames, publishedKeys }
  const sharedRooms = new SharedRooms(common)
  const remoteLists = new RemoteDeviceLists({ ...common, sharedRooms })
  const deviceKeys = new DeviceKeys(common)
  return {
    remoteLists,
    deviceListResyncs: new DeviceListResyncs({ ...common, remoteLists }),
    deviceAnnouncer: new DeviceAnnouncer({ ...common, sharedRooms }),
    deviceKeys,
    dehydratedDevices: new DehydratedDevices({ ...common, sessions, deviceKeys }),
    keyQueries: new KeyQueries({ ...common, sharedRooms, remoteLists }),
    crossSigning: new CrossSigning(common),
    keySignatures: new KeySignatures(common),
    keyBackups: new KeyBackups(common),
    toDevice: new ToDevice(common),
  }
}

/** What devices get through `/sync` beside rooms. */
export function createDeviceStreams(
  storage: Storage,
  core: RoomCore,
  notifier: Notifier,
  { toDevice }: Pick<DeviceServices, 'toDevice'>,
) {
  const stateAtPosition = new StateAtPosition(storage)
  return {
    toDeviceStream: new ToDeviceStream(toDevice),
    deviceListStream: new DeviceListStream({ ...storage, ...core, stateAtPosition, notifier }),
    keyCountStream: new KeyCountStream(storage.deviceKeyTable),
  }
}
