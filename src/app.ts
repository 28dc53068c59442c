/** The composition root: builds the server in dependency order, and takes it down in the reverse. */
import type { UserId } from '../schemas/ids.ts'
import { operationRoutes } from './admin/operations.ts'
import { rateLimitRoutes } from './admin/rate-limits.ts'
import { sharedSecretRoutes } from './admin/register.ts'
import { setupRoutes } from './admin/setup.ts'
import { Setup } from './admin/setup-page.ts'
import { controlledDesk, controlPath, startControl } from './app/control.ts'
import type { AccountDesk, RunningApp } from './app/program.ts'
import { type AccountPorts, createAccounts } from './app/accounts.ts'
import { createServices, type Services } from './app/services.ts'
import { openStorage, type Storage } from './app/storage.ts'
import { runWorkers } from './app/workers.ts'
import { landingRoute } from './client-api/discovery/landing.ts'
import { clientRoutes } from './client-api/routes.ts'
import type { Config } from './config/schema.ts'
import { systemClock } from './core/clock.ts'
import { notFound } from './core/errors.ts'
import { createLogger, silentLogger } from './core/logger.ts'
import { createMetrics, type Metrics } from './core/metrics.ts'
import { randomToken } from './core/random.ts'
import { programVersion } from './core/version.ts'
import { federationRoutes } from './federation/routes.ts'
import { Connections, connectionLimits } from './http/connections.ts'
import { startListeners } from './http/listeners.ts'
import { Names } from './http/names.ts'
import { createOutbound } from './http/outbound.ts'
import { RateLimiter } from './http/rate-limit.ts'
import { createHttpApp } from './http/server.ts'
import type { Route } from './http/route.ts'
import { DatabaseInUse } from './storage/owner.ts'

const STOP_WITHIN_MS = 4_000

/** What tests change. */
export interface AppOptions {
  /** Is told of answers that are not as their endpoints declare, which are errors then; without it answers are not checked. */
  readonly onUndeclared?: (mistake: string) => void
  /** `OFF` for databases that are thrown away. */
  readonly synchronous?: 'FULL' | 'OFF'
}

/** Starts a server. Rejects where a port, a file or the database cannot be used; then nothing is left running. */
export async function startApp(config: Config, options: AppOptions = {}): Promise<RunningApp> {
  await using stack = new AsyncDisposableStack()
  const log = stack.use(createLogger(config.log))
  const metrics = createMetrics(config.metrics)
  const storage = openStorage(config.database.path, options.synchronous)
  stack.use(storage.db)
  const names = stack.use(new Names({ clock: systemClock }))
  const outbound = stack.use(createOutbound({ ...config.federation, verifyTls: true }, names))
  const outboundHttp = stack.use(createOutbound(config.outboundHttp, names))
  const stopping = new AbortController()
  const { signal } = stopping
  const services = createServices({ config, clock: systemClock, log, metrics, storage, names, outbound, outboundHttp, signal })
  stack.use(runWorkers(services.workers, log.logger('workers')))
  stack.defer(async () => stopping.abort())
  watch(metrics, storage, services)
  const setup = createSetup(config, services)
  const http = createHttpApp({
    routes: [...pages(config, setup, metrics, storage), ...routesOf(config, services)],
    authenticators: {
      client: (token, call) => services.client.accessTokens.authenticate(token, call),
      server: services.authenticateServer,
    },
    rateLimiter: new RateLimiter(config.rateLimits, systemClock),
    log: log.logger('http'),
    trustedProxies: config.trustedProxies,
    onUndeclared: options.onUndeclared,
    onRequest: ({ method, route, status, seconds }) => metrics.httpAnswered(method, route ?? 'unmatched', status, seconds),
  })
  const connections = new Connections(connectionLimits(config), log.logger('http'))
  metrics.watch('connections', () => connections.size)
  const listening = await startListeners(config.listeners, http, connections)
  stack.defer(() => listening.close(STOP_WITHIN_MS))
  await services.client.deactivation.resume()
  const control = controlPath(config.database.path)
  if (control !== undefined) stack.use(await startControl(control, deskOf(services.client.registration)))
  const setupLink = (await services.client.registration.hasAccounts()) ? undefined : setup.link
  const running = stack.move()
  return { urls: listening.at.map(urlOf), setupLink, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** The accounts alone, for the command line: through the server where it runs, else straight from its database. */
export async function openAccounts(config: Config): Promise<AccountDesk> {
  try {
    const storage = openStorage(config.database.path)
    const { registration } = createAccounts(config, systemClock, storage, ALONE)
    return { ...deskOf(registration), [Symbol.asyncDispose]: () => storage.db[Symbol.asyncDispose]() }
  } catch (error) {
    const control = controlPath(config.database.path)
    if (error instanceof DatabaseInUse && control !== undefined) return controlledDesk(control)
    throw error
  }
}

/** The ports of accounts where nothing but accounts is there. */
const ALONE: AccountPorts = {
  remoteProfiles: { query: () => Promise.reject(notFound()) },
  onProfileChanged: async () => {},
  leaveAllRooms: async () => {},
  deviceListeners: [],
  outbound: { request: () => Promise.reject(notFound()) },
  signCall: () => '',
  log: silentLogger,
}

function deskOf(registration: Services['client']['registration']): Pick<AccountDesk, 'createAccount'> {
  return { createAccount: async (account) => (await registration.createAccount(account)).user_id as UserId }
}

function createSetup(config: Config, { client: { registration } }: Services): Setup {
  return new Setup({
    serverName: config.serverName,
    baseUrl: config.publicBaseUrl,
    token: randomToken(),
    hasAccounts: () => registration.hasAccounts(),
    createAdmin: async (localpart, password) => (await registration.createFirstAdmin({ localpart, password })).user_id as UserId,
  })
}

/** What is counted and what is read when somebody looks at the metrics. */
function watch(metrics: Metrics, storage: Storage, services: Services): void {
  storage.db.observeGroups((size, seconds) => metrics.committed(size, seconds))
  metrics.watch('federation_queue', () => storage.outbox.count())
  metrics.watch('federation_destinations_waiting', () => services.federationSender.busy)
  metrics.watch('database_queue', () => storage.db.queued)
  for (const [name, { cacheUse }] of Object.entries({ events: storage.events, names: storage.names, state: storage.maps })) {
    metrics.watchCache(name, cacheUse)
  }
  metrics.watch('sync_sockets', () => services.client.syncSockets.size)
  metrics.watch('syncs_waiting', () => services.client.notifier.waiting)
}

function routesOf(config: Config, services: Services): Route[] {
  const own = [...sharedSecretRoutes(services), ...rateLimitRoutes(services.client), ...clientRoutes(services.client)]
  return config.federation.enabled ? [...own, ...federationRoutes(services.federation)] : own
}

/** What people and machines see who run the server. */
function pages(config: Config, setup: Setup, metrics: Metrics, storage: Storage): Route[] {
  const about = {
    ...config,
    version: programVersion(),
    baseUrl: config.publicBaseUrl,
    registrationOpen: config.registration.enabled,
  }
  return [
    landingRoute(about),
    ...setupRoutes(setup),
    ...operationRoutes({ metrics, probes: { database: () => storage.accounts.any() } }),
  ]
}

function urlOf({ address, port, tls }: { address: string; port: number; tls: boolean }): string {
  return `${tls ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}:${port}`
}
