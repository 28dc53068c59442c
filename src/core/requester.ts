/** Who makes a client-server request: what the access token stands for. */
import type { DeviceId, UserId } from '../../schemas/ids.ts'

export interface Requester {
  readonly userId: UserId
  /** Undefined for an application service that acts for no device. */
  readonly deviceId: DeviceId | undefined
  /** The stored token's number; undefined for an application service, whose token is in its registration. */
  readonly tokenId: number | undefined
  readonly isGuest: boolean
  /** A server admin. */
  readonly isAdmin: boolean
  /** The registration's `id`, where an application service calls. */
  readonly appServiceId?: string
  /** Calls do not count against the rate limits (an application service that says so, a user with an override). */
  readonly unlimited?: boolean
}
