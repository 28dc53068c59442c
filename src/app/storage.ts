import { closeSync, mkdirSync, mkdtempSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Accounts } from '../storage/accounts.ts'
import { AccountDataTable } from '../storage/account-data.ts'
import { Aliases } from '../storage/aliases.ts'
import { AuthGraph } from '../storage/auth-graph.ts'
import { ChildSummaries } from '../storage/child-summaries.ts'
import { ClientTransactions } from '../storage/client-transactions.ts'
import { CrossSigningTable } from '../storage/cross-signing.ts'
import { Database } from '../storage/database.ts'
import { DehydratedDevicesTable } from '../storage/dehydrated-devices.ts'
import { DelayedEventsTable } from '../storage/delayed-events.ts'
import { DeviceKeysTable } from '../storage/device-keys.ts'
import { DeviceListsTable } from '../storage/device-lists.ts'
import { Devices } from '../storage/devices.ts'
import { EventWords } from '../storage/event-words.ts'
import { Events } from '../storage/events.ts'
import { ExternalIds } from '../storage/external-ids.ts'
import { Filters } from '../storage/filters.ts'
import { InboundTransactions } from '../storage/inbound-transactions.ts'
import { KeyBackupTable } from '../storage/key-backup.ts'
import { LoginTokensTable } from '../storage/login-tokens.ts'
import { Memberships } from '../storage/memberships.ts'
import { Names } from '../storage/names.ts'
import { OpenIdTokens } from '../storage/openid-tokens.ts'
import { Outbox } from '../storage/outbox.ts'
import { ProfileFields } from '../storage/profiles.ts'
import { Pushers } from '../storage/pushers.ts'
import { PushRulesTable } from '../storage/push-rules.ts'
import { RateLimitOverrides } from '../storage/rate-limit-overrides.ts'
import { ReceiptsTable } from '../storage/receipts.ts'
import { RegistrationTokens } from '../storage/registration-tokens.ts'
import { RemoteDevicesTable } from '../storage/remote-devices.ts'
import { RedactionsTable } from '../storage/redactions.ts'
import { Relations } from '../storage/relations.ts'
import { Reports } from '../storage/reports.ts'
import { Rooms } from '../storage/rooms.ts'
import { ServerKeys } from '../storage/server-keys.ts'
import { SsoSessions } from '../storage/sso-sessions.ts'
import { StickyEventsTable } from '../storage/sticky-events.ts'
import { StateMaps } from '../storage/state.ts'
import { StateJumps } from '../storage/state-jumps.ts'
import { ThirdPartyIds } from '../storage/third-party-ids.ts'
import { ThreadSubscriptionsTable } from '../storage/thread-subscriptions.ts'
import { Timelines } from '../storage/timelines.ts'
import { ToDeviceTable } from '../storage/to-device.ts'
import { Tokens } from '../storage/tokens.ts'
import type { Writer } from '../storage/writer.ts'
import { UserDirectoryTable } from '../storage/user-directory.ts'
import { UiaSessions } from '../storage/uia-sessions.ts'
import { Validations } from '../storage/validations.ts'

export type Storage = ReturnType<typeof openStorage>

/** Opens the database file, made where there is none, and all table groups over it. `:memory:` is a file in the system's folder for temporary ones. */
export function openStorage(path: string, synchronous: 'FULL' | 'OFF' = 'FULL', writer?: Writer) {
  const db = new Database({ path: databaseFile(path), synchronous }, writer)
  const names = new Names(db)
  const rooms = new Rooms(db)
  const authGraph = new AuthGraph(db)
  const events = new Events(db, names, rooms, authGraph)
  const childSummaries = new ChildSummaries(db)
  return {
    db,
    names,
    rooms,
    events,
    aliases: new Aliases(db),
    authGraph,
    childSummaries,
    delayedEventsTable: new DelayedEventsTable(db),
    eventWords: new EventWords(db),
    inboundTransactions: new InboundTransactions(db),
    maps: new StateMaps(db),
    memberships: new Memberships(db),
    outbox: new Outbox(db),
    receipts: new ReceiptsTable(db),
    redactions: new RedactionsTable(db),
    relations: new Relations(db, childSummaries),
    reports: new Reports(db),
    stateJumps: new StateJumps(db),
    serverKeys: new ServerKeys(db),
    stickyEventsTable: new StickyEventsTable(db),
    threadSubscriptionsTable: new ThreadSubscriptionsTable(db),
    timelines: new Timelines(db),
    transactions: new ClientTransactions(db),
    ...userTables(db),
  }
}

/** What is kept of users and their devices. */
function userTables(db: Database) {
  return {
    accounts: new Accounts(db),
    accountData: new AccountDataTable(db),
    crossSigningKeys: new CrossSigningTable(db),
    dehydratedDevicesTable: new DehydratedDevicesTable(db),
    deviceKeyTable: new DeviceKeysTable(db),
    deviceListTable: new DeviceListsTable(db),
    devices: new Devices(db),
    externalIds: new ExternalIds(db),
    filters: new Filters(db),
    keyBackupTable: new KeyBackupTable(db),
    loginTokenTable: new LoginTokensTable(db),
    openIdTokens: new OpenIdTokens(db),
    profileFields: new ProfileFields(db),
    pushers: new Pushers(db),
    pushRules: new PushRulesTable(db),
    remoteDevices: new RemoteDevicesTable(db),
    registrationTokens: new RegistrationTokens(db),
    rateLimitOverrides: new RateLimitOverrides(db),
    ssoSessions: new SsoSessions(db),
    thirdPartyIds: new ThirdPartyIds(db),
    toDeviceTable: new ToDeviceTable(db),
    tokens: new Tokens(db),
    uiaSessions: new UiaSessions(db),
    userDirectoryTable: new UserDirectoryTable(db),
    validations: new Validations(db),
  }
}

/** A file that only this user of the machine reads. */
function databaseFile(path: string): string {
  const file = path === ':memory:' ? join(mkdtempSync(join(tmpdir(), 'causeway-')), 'homeserver.db') : path
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // The files that SQLite puts beside it get the same mode.
  closeSync(openSync(file, 'a', 0o600))
  return file
}
