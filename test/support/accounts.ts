/** The accounts part of a server over a database of its own, and a real HTTP server that serves its endpoints. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerName } from '../../schemas/ids.ts'
import { DeviceManagement } from '../../src/devices/devices.ts'
import type { ClientCall } from '../../src/http/authenticate.ts'
import type { Route } from '../../src/http/route.ts'
import { Accounts } from '../../src/storage/accounts.ts'
import { Database } from '../../src/storage/database.ts'
import { DehydratedDevicesTable } from '../../src/storage/dehydrated-devices.ts'
import { Devices } from '../../src/storage/devices.ts'
import { Names } from '../../src/storage/names.ts'
import { AccountDataTable } from '../../src/storage/account-data.ts'
import { RateLimitOverrides } from '../../src/storage/rate-limit-overrides.ts'
import { ProfileFields } from '../../src/storage/profiles.ts'
import { RegistrationTokens } from '../../src/storage/registration-tokens.ts'
import { ThirdPartyIds } from '../../src/storage/third-party-ids.ts'
import { Tokens } from '../../src/storage/tokens.ts'
import { UiaSessions } from '../../src/storage/uia-sessions.ts'
import { Validations } from '../../src/storage/validations.ts'
import { AccountDeactivation } from '../../src/users/deactivate-account.ts'
import { LastSeen } from '../../src/users/last-seen.ts'
import { Login, passwordLogin } from '../../src/users/login.ts'
import { AccountModeration } from '../../src/users/moderation.ts'
import { Passwords } from '../../src/users/password.ts'
import { PasswordHasher } from '../../src/users/password-hasher.ts'
import { PasswordManagement } from '../../src/users/password-management.ts'
import { Profiles, type RemoteProfiles } from '../../src/users/profile.ts'
import { Registration, type RegistrationOptions } from '../../src/users/register.ts'
import { type DeviceListener, Sessions } from '../../src/users/sessions.ts'
import { SharedSecretRegistration } from '../../src/users/shared-secret.ts'
import { AccessTokens } from '../../src/users/tokens.ts'
import { UserInteractiveAuth } from '../../src/users/uia.ts'
import { dummyStage, passwordStage, registrationTokenStage } from '../../src/users/uia-stages.ts'
import { type Answer, authenticators, callServer, testServer } from '../http/support.ts'
import { FakeClock } from './clock.ts'

export const SERVER = 'example.org' as ServerName

export interface AccountsOptions {
  readonly registration?: Partial<RegistrationOptions>
  readonly sharedSecret?: string
  readonly isReserved?: (userId: string) => boolean
  readonly deviceListeners?: readonly DeviceListener[]
  readonly remote?: RemoteProfiles
  readonly onProfileChanged?: (userId: string, field: string) => Promise<void>
  readonly leaveAllRooms?: (userId: string) => Promise<void>
}

export interface TestUser {
  readonly userId: string
  readonly deviceId: string
  readonly token: string
  readonly password: string
}

export type AccountServices = ReturnType<typeof accountServices>

const none = async () => {}
/** Nobody has had an address bound. */
const NO_ADDRESSES = { unbindEverything: async () => 'success' as const }

/** Everything of accounts, wired as app.ts does it. */
export function accountServices(db: Database, clock: FakeClock, options: AccountsOptions = {}) {
  const names = new Names(db)
  const accounts = new Accounts(db)
  const devices = new Devices(db)
  const tokens = new Tokens(db)
  const accountData = new AccountDataTable(db)
  const profileFields = new ProfileFields(db)
  const registrationTokens = new RegistrationTokens(db)
  const lastSeen = new LastSeen({ db, devices, clock })
  const accessTokens = new AccessTokens({ db, tokens, clock, lastSeen })
  const dehydratedDevicesTable = new DehydratedDevicesTable(db)
  const deviceListeners = options.deviceListeners ?? []
  const sessions = new Sessions({ db, devices, dehydratedDevicesTable, tokens, accessTokens, clock, deviceListeners })
  const hasher = new PasswordHasher('minimal')
  const thirdPartyIds = new ThirdPartyIds(db)
  const validations = new Validations(db)
  const passwords = new Passwords({ serverName: SERVER, accounts, thirdPartyIds, hasher })
  const stages = {
    'm.login.dummy': dummyStage,
    'm.login.password': passwordStage(passwords),
    'm.login.registration_token': registrationTokenStage(registrationTokens, clock),
  }
  const uia = new UserInteractiveAuth({
    db,
    sessions: new UiaSessions(db),
    clock,
    stages,
    ownerFlows: async () => [['m.login.password']],
  })
  const common = {
    db,
    names,
    accounts,
    profiles: profileFields,
    accountData,
    tokens,
    registrationTokens,
    thirdPartyIds,
    validations,
    rateLimitOverrides: new RateLimitOverrides(db),
    sessions,
    uia,
    hasher,
    clock,
    devices,
  }
  const registration = new Registration({
    ...common,
    serverName: SERVER,
    isReserved: options.isReserved ?? (() => false),
    options: { enabled: true, allowGuests: true, flows: [['m.login.dummy']], ...options.registration },
  })
  return {
    db,
    accounts,
    accountData,
    registrationTokens,
    lastSeen,
    accessTokens,
    sessions,
    uia,
    registration,
    sharedSecret: new SharedSecretRegistration({ registration, clock, secret: options.sharedSecret }),
    login: new Login({ serverName: SERVER, accounts, sessions, methods: [passwordLogin(passwords)] }),
    passwordManagement: new PasswordManagement({ ...common, sendsMail: false }),
    moderation: new AccountModeration(common),
    deactivation: new AccountDeactivation({ ...common, addresses: NO_ADDRESSES, leaveAllRooms: options.leaveAllRooms ?? none }),
    deviceManagement: new DeviceManagement(common),
    profiles: new Profiles({
      db,
      profiles: profileFields,
      memberships: { ofUser: async () => new Map() },
      serverName: SERVER,
      remote: options.remote ?? { query: async () => ({}) },
      onProfileChanged: options.onProfileChanged ?? none,
    }),
  }
}

/** A database in a folder of its own that goes with it. */
export async function temporaryDatabase() {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  const open = () => new Database({ path: join(folder, 'test.db'), synchronous: 'OFF' })
  let db = open()
  return {
    get db() {
      return db
    },
    /** As after a restart of the server. */
    reopen: async () => {
      await db[Symbol.asyncDispose]()
      db = open()
    },
    [Symbol.asyncDispose]: async () => {
      await db[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** A server with the routes that `routesOf` makes of its services. */
export async function accountServer(routesOf: (services: AccountServices) => readonly Route[], options: AccountsOptions = {}) {
  const stack = new AsyncDisposableStack()
  const file = stack.use(await temporaryDatabase())
  const clock = new FakeClock()
  const services = accountServices(file.db, clock, options)
  const client = (token: string, use: ClientCall) => services.accessTokens.authenticate(token, use)
  const http = stack.use(await testServer(routesOf(services), { authenticators: { ...authenticators({}), client } }))
  const call = (
    method: string,
    path: string,
    body?: string | Record<string, unknown>,
    user?: { token: string },
  ): Promise<Answer> => {
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    return callServer(http.port, method, path.startsWith('/') ? path : `/_matrix/client/v3/${path}`, {
      // Node's client tells the length of a DELETE's body only if asked to.
      ...(text !== undefined && { body: text, headers: { 'content-length': String(Buffer.byteLength(text)) } }),
      ...(user && { token: user.token }),
    })
  }
  return {
    call,
    clock,
    services,
    db: file.db,
    /** Makes a user who is logged in on one device. */
    user: async (localpart: string, { admin = false, password = `${localpart}'s password` } = {}): Promise<TestUser> => {
      const made = await services.registration.createAccount({ localpart, password, admin, session: {} })
      return { userId: made.user_id, deviceId: made.device_id ?? '', token: made.access_token ?? '', password }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** The `auth` of a password stage. */
export const passwordAuth = (user: TestUser, password = user.password) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: user.userId },
  password,
})
