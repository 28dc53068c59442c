import type { UserId } from '../../schemas/ids.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { DeviceManagement } from '../devices/devices.ts'
import { AccountDeactivation } from '../users/deactivate-account.ts'
import { LastSeen } from '../users/last-seen.ts'
import { Login, passwordLogin } from '../users/login.ts'
import { AccountModeration } from '../users/moderation.ts'
import { Passwords } from '../users/password.ts'
import { PasswordHasher } from '../users/password-hasher.ts'
import { PasswordManagement } from '../users/password-management.ts'
import { Profiles, type RemoteProfiles } from '../users/profile.ts'
import { Registration, registrationFlows } from '../users/register.ts'
import { type DeviceListener, Sessions } from '../users/sessions.ts'
import { AccessTokens } from '../users/tokens.ts'
import { UserInteractiveAuth } from '../users/uia.ts'
import { dummyStage, passwordStage, registrationTokenStage } from '../users/uia-stages.ts'
import type { Storage } from './storage.ts'

/** What accounts need from the layers that are built on them. */
export interface AccountPorts {
  readonly remoteProfiles: RemoteProfiles
  readonly onProfileChanged: (userId: UserId, field: string) => Promise<void>
  readonly leaveAllRooms: (userId: UserId) => Promise<void>
  readonly deviceListeners: readonly DeviceListener[]
}

export type AccountServices = ReturnType<typeof createAccounts>

export function createAccounts(config: Config, clock: Clock, storage: Storage, ports: AccountPorts) {
  const { serverName } = config
  const { db } = storage
  const lastSeen = new LastSeen({ ...storage, clock })
  const accessTokens = new AccessTokens({ ...storage, clock, lastSeen })
  const sessions = new Sessions({ ...storage, accessTokens, clock, deviceListeners: ports.deviceListeners })
  const hasher = new PasswordHasher(config.password.hashCost)
  const passwords = new Passwords({ ...storage, serverName, hasher })
  const stages = {
    'm.login.dummy': dummyStage,
    'm.login.password': passwordStage(passwords),
    'm.login.registration_token': registrationTokenStage(storage.registrationTokens, clock),
  }
  const uia = new UserInteractiveAuth({ db, sessions: storage.uiaSessions, clock, stages, ownerFlows: [['m.login.password']] })
  const common = { ...storage, profiles: storage.profileFields, serverName, sessions, uia, hasher, clock }
  const { enabled, allowGuests, requireVerification } = config.registration
  const flows = registrationFlows({ requireVerification, recaptcha: false, email: false })
  return {
    lastSeen,
    accessTokens,
    sessions,
    uia,
    login: new Login({ ...storage, serverName, sessions, methods: [passwordLogin(passwords)] }),
    registration: new Registration({ ...common, options: { enabled, allowGuests, flows }, isReserved: () => false }),
    passwordManagement: new PasswordManagement(common),
    moderation: new AccountModeration(common),
    deactivation: new AccountDeactivation({ ...common, leaveAllRooms: ports.leaveAllRooms }),
    deviceManagement: new DeviceManagement(common),
    profiles: new Profiles({ ...common, remote: ports.remoteProfiles, onProfileChanged: ports.onProfileChanged }),
  }
}
