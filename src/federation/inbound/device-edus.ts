import type { RemoteDeviceLists } from '../../devices/remote-lists.ts'
import type { ToDevice } from '../../devices/to-device.ts'
import type { EduHandlers } from './edus.ts'

export interface DeviceEdusParts {
  toDevice: Pick<ToDevice, 'receive'>
  remoteLists: Pick<RemoteDeviceLists, 'receiveUpdate' | 'receiveSigningKeys'>
}

/** Messages to devices, and changes to the devices and keys of users. */
export function deviceEdus({ toDevice, remoteLists }: DeviceEdusParts): EduHandlers {
  return {
    'm.direct_to_device': (origin, content) => toDevice.receive(origin, content),
    'm.device_list_update': (origin, content) => remoteLists.receiveUpdate(origin, content),
    'm.signing_key_update': (origin, content) => remoteLists.receiveSigningKeys(origin, content),
  }
}
