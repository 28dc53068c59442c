/** Who makes a client-server request: what the access token stands for. */
import type { DeviceId, UserId } from '../../schemas/ids.ts'

export interface Requester {
  readonly userId: UserId
  /** Undefined for an application service that acts for no device. */
  readonly deviceId: DeviceId | undefined
  /** Storage's number of the user. */
  readonly userNid: number
  /** Storage's number of the device, never used again for another; undefined where there is no device. */
  readonly deviceNid: number | undefined
  readonly isGuest: boolean
  /** A server admin. */
  readonly isAdmin: boolean
  /** May only read, leave rooms, and look after their devices and keys. https://spec.matrix.org/v1.19/client-server-api/#account-suspension */
  readonly isSuspended?: boolean
  /** The registration's `id`, where an application service calls. */
  readonly appServiceId?: string
  /** Calls do not count against the rate limits (an application service that says so, a user with an override). */
  readonly unlimited?: boolean
  /** What holds in place of the configured limit on messages. */
  readonly messageLimit?: { readonly perSecond: number; readonly burst: number }
}
