/** The composition root: builds the server in dependency order, and takes it down in the reverse. */
import type { UserId } from '../schemas/ids.ts'
import { operationRoutes } from './admin/operations.ts'
import { sharedSecretRoutes } from './admin/register.ts'
import { setupRoutes } from './admin/setup.ts'
import { Setup } from './admin/setup-page.ts'
import { controlledDesk, controlPath, startControl } from './app/control.ts'
import type { AccountDesk, RunningApp } from './app/program.ts'
import { createServices, type Services } from './app/services.ts'
import { openStorage, type Storage } from './app/storage.ts'
import { runWorkers } from './app/workers.ts'
import { landingRoute } from './client-api/discovery/landing.ts'
import { clientRoutes } from './client-api/routes.ts'
import type { Config } from './config/schema.ts'
import { systemClock } from './core/clock.ts'
import { unauthorised } from './core/errors.ts'
import { createLogger } from './core/logger.ts'
import { createMetrics, type Metrics } from './core/metrics.ts'
import { randomToken } from './core/random.ts'
import { programVersion } from './core/version.ts'
import { startListeners } from './http/listeners.ts'
import { RateLimiter } from './http/rate-limit.ts'
import { createHttpApp } from './http/server.ts'
import type { Route } from './http/route.ts'
import { DatabaseInUse } from './storage/owner.ts'

const STOP_WITHIN_MS = 4_000

/** What tests change. */
export interface AppOptions {
  /** An answer that is not as its endpoint declares it is an error. */
  readonly checkResponses?: boolean
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
  storage.db.observeGroups((size, seconds) => metrics.committed(size, seconds))
  const stopping = new AbortController()
  stack.defer(async () => stopping.abort())
  const services = createServices(config, systemClock, storage, stopping.signal)
  stack.use(runWorkers([services.lastSeen], log.logger('workers')))
  const setup = createSetup(config, services)
  const http = createHttpApp({
    routes: [...pages(config, setup, metrics, storage), ...sharedSecretRoutes(services), ...clientRoutes(services)],
    authenticators: {
      client: (token, call) => services.accessTokens.authenticate(token, call),
      server: () => Promise.reject(unauthorised('This server does not talk to other servers')),
    },
    rateLimiter: new RateLimiter(config.rateLimits, systemClock),
    log: log.logger('http'),
    trustedProxies: config.trustedProxies,
    checkResponses: options.checkResponses ?? false,
    onRequest: ({ method, route, status, seconds }) => metrics.httpAnswered(method, route ?? 'unmatched', status, seconds),
  })
  const listening = await startListeners(config.listeners, http)
  stack.defer(() => listening.close(STOP_WITHIN_MS))
  await services.deactivation.resume()
  const control = controlPath(config.database.path)
  if (control !== undefined) stack.use(await startControl(control, deskOf(services)))
  const setupLink = (await services.registration.hasAccounts()) ? undefined : setup.link
  const running = stack.move()
  return { urls: listening.at.map(urlOf), setupLink, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** The accounts alone, for the command line: through the server where it runs, else straight from its database. */
export async function openAccounts(config: Config): Promise<AccountDesk> {
  try {
    const storage = openStorage(config.database.path)
    const desk = deskOf(createServices(config, systemClock, storage, AbortSignal.abort()))
    return { ...desk, [Symbol.asyncDispose]: () => storage.db[Symbol.asyncDispose]() }
  } catch (error) {
    const control = controlPath(config.database.path)
    if (error instanceof DatabaseInUse && control !== undefined) return controlledDesk(control)
    throw error
  }
}

function deskOf({ registration }: Services): Pick<AccountDesk, 'createAccount'> {
  return { createAccount: async (account) => (await registration.createAccount(account)).user_id as UserId }
}

function createSetup(config: Config, { registration }: Services): Setup {
  return new Setup({
    serverName: config.serverName,
    baseUrl: config.publicBaseUrl,
    token: randomToken(),
    hasAccounts: () => registration.hasAccounts(),
    createAdmin: async (localpart, password) => (await registration.createFirstAdmin({ localpart, password })).user_id as UserId,
  })
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
