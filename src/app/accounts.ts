import { readFileSync } from 'node:fs'
import type { UserId } from '../../schemas/ids.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { DeviceManagement } from '../devices/devices.ts'
import type { Outbound } from '../http/outbound.ts'
import { mailSender } from '../http/smtp.ts'
import type { Logger } from '../core/logger.ts'
import { casLogin } from '../users/cas.ts'
import { AccountDeactivation } from '../users/deactivate-account.ts'
import { EmailValidation, type Mailing } from '../users/email-validation.ts'
import { IdentityServers, type SignCall } from '../users/identity-servers.ts'
import { LocalNotificationSettings } from '../users/local-notifications.ts'
import { LastSeen } from '../users/last-seen.ts'
import { Login, passwordLogin } from '../users/login.ts'
import { LoginTokens, tokenLogin } from '../users/login-tokens.ts'
import { AccountModeration } from '../users/moderation.ts'
import { Passwords } from '../users/password.ts'
import { PasswordHasher } from '../users/password-hasher.ts'
import { PasswordManagement } from '../users/password-management.ts'
import { Profiles, type RemoteProfiles } from '../users/profile.ts'
import { Registration, registrationFlows } from '../users/register.ts'
import { type DeviceListener, Sessions } from '../users/sessions.ts'
import { AccountAddresses } from '../users/third-party-ids.ts'
import { AccessTokens } from '../users/tokens.ts'
import { type Flows, type Stage, UserInteractiveAuth } from '../users/uia.ts'
import {
  dummyStage,
  EMAIL_STAGE,
  emailStage,
  passwordStage,
  recaptchaStage,
  registrationTokenStage,
  ssoStage,
  termsStage,
} from '../users/uia-stages.ts'
import { createSingleSignOn, offersSso } from './sso.ts'
import type { Storage } from './storage.ts'

/** What accounts need from the layers that are built on them. */
export interface AccountPorts {
  readonly remoteProfiles: RemoteProfiles
  readonly onProfileChanged: (userId: UserId, field: string) => Promise<void>
  readonly leaveAllRooms: (userId: UserId) => Promise<void>
  readonly deviceListeners: readonly DeviceListener[]
  /** For what is neither another homeserver nor a client: `outbound_http`. */
  readonly outbound: Pick<Outbound, 'request'>
  /** Signs requests of this server to identity servers. */
  readonly signCall: SignCall
  readonly log: Logger
}

export function createAccounts(config: Config, clock: Clock, storage: Storage, ports: AccountPorts) {
  const serverName = config.serverName
  const lastSeen = new LastSeen({ ...storage, clock })
  const accessTokens = new AccessTokens({ ...storage, clock, lastSeen })
  const deviceListeners = [...ports.deviceListeners, new LocalNotificationSettings(storage)]
  const sessions = new Sessions({ ...storage, accessTokens, clock, deviceListeners })
  const hasher = new PasswordHasher(config.password.hashCost)
  const passwords = new Passwords({ ...storage, serverName, hasher })
  const parts = { ...storage, profiles: storage.profileFields, serverName, sessions, hasher, clock, outbound: ports.outbound }
  const baseUrl = config.publicBaseUrl
  const emailValidation = new EmailValidation({ ...parts, baseUrl, mailing: mailingOf(config) })
  const stages = stagesOf(config, clock, storage, ports, passwords, emailValidation)
  const uia = new UserInteractiveAuth({
    ...parts,
    sessions: storage.uiaSessions,
    stages,
    ownerFlows: ownerFlowsOf(config, storage),
  })
  const identityServers = new IdentityServers({ outbound: ports.outbound, sign: ports.signCall })
  const addresses = new AccountAddresses({ ...parts, emailValidation, identityServers, uia })
  const loginTokens = new LoginTokens({ ...parts, uia })
  const common = { ...parts, uia, addresses, loginTokens }
  const registration = new Registration({ ...common, options: registrationOptionsOf(config), isReserved: () => false })
  const signOn = createSingleSignOn(config, { storage, clock, ...ports, registration, loginTokens, uia })
  return {
    lastSeen,
    accessTokens,
    sessions,
    uia,
    emailValidation,
    identityServers,
    addresses,
    loginTokens,
    mayChangeAddresses: config.email !== undefined,
    addsWithoutAuthentication: config.deprecated.add3pidWithoutAuthentication,
    ...signOn,
    login: new Login({
      ...common,
      methods: [passwordLogin(passwords), ...signOn.sso.logins, ...(signOn.cas ? [casLogin] : []), tokenLogin(loginTokens)],
    }),
    registration,
    passwordManagement: new PasswordManagement({ ...common, sendsMail: config.email !== undefined }),
    moderation: new AccountModeration(common),
    deactivation: new AccountDeactivation({ ...common, leaveAllRooms: ports.leaveAllRooms }),
    deviceManagement: new DeviceManagement(common),
    profiles: new Profiles({ ...common, remote: ports.remoteProfiles, onProfileChanged: ports.onProfileChanged }),
  }
}

function registrationOptionsOf({ registration, email }: Config) {
  const { enabled, allowGuests, requireVerification, recaptcha, terms } = registration
  const flows = registrationFlows({
    requireVerification,
    recaptcha: recaptcha?.required === true,
    email: email !== undefined,
    terms: terms !== undefined,
  })
  return { enabled, allowGuests, flows }
}

/** Every stage that may be tried, whether a flow asks for it or not. */
function stagesOf(
  config: Config,
  clock: Clock,
  storage: Storage,
  { outbound }: AccountPorts,
  passwords: Passwords,
  emailValidation: EmailValidation,
): Readonly<Record<string, Stage>> {
  const { recaptcha, terms } = config.registration
  const policies = terms && { terms_of_service: { version: terms.version, en: { name: terms.name, url: terms.url } } }
  return {
    'm.login.dummy': dummyStage,
    'm.login.password': passwordStage(passwords),
    'm.login.registration_token': registrationTokenStage(storage.registrationTokens, clock),
    [EMAIL_STAGE]: emailStage(emailValidation, storage.thirdPartyIds),
    ...(recaptcha && { 'm.login.recaptcha': recaptchaStage(outbound, recaptcha) }),
    ...(policies && { 'm.login.terms': termsStage({ policies }) }),
    ...(offersSso(config) && { 'm.login.sso': ssoStage }),
  }
}

/** By their password, and through the service through which they log in, if they do. */
function ownerFlowsOf(config: Config, { externalIds }: Storage): (user: { userNid: number }) => Promise<Flows> {
  return async ({ userNid }) =>
    offersSso(config) && (await externalIds.has(userNid)) ? [['m.login.password'], ['m.login.sso']] : [['m.login.password']]
}

function mailingOf({ email, outboundHttp, serverName }: Config): Mailing | undefined {
  if (!email) return undefined
  const { smtpHost: host, smtpPort: port, smtpTls: tls, smtpUser: user, smtpPassword: password, from } = email
  const authorities = outboundHttp.customCaFiles.map((file) => readFileSync(file, 'utf8'))
  const clientName = /^[a-z0-9.-]+/i.exec(serverName)?.[0] ?? 'localhost'
  const { verifyTls } = outboundHttp
  return { from, send: mailSender({ host, port, tls, user, password, authorities, verifyTls, clientName }) }
}
