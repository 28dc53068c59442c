/** Provisional composition root: accounts, the pages, health and metrics. The whole server takes its place. */
import type { UserId } from '../schemas/ids.ts'
import { operationRoutes } from './admin/operations.ts'
import { setupRoutes } from './admin/setup.ts'
import { Setup } from './admin/setup-page.ts'
import { createAccounts } from './app/accounts.ts'
import { openStorage } from './app/storage.ts'
import type { AccountDesk, RunningApp } from './app/program.ts'
import { landingRoute } from './client-api/discovery/landing.ts'
import type { Config } from './config/schema.ts'
import { systemClock } from './core/clock.ts'
import { notFound, unknownToken } from './core/errors.ts'
import { createLogger } from './core/logger.ts'
import { createMetrics } from './core/metrics.ts'
import { randomToken } from './core/random.ts'
import { programVersion } from './core/version.ts'
import { startListeners } from './http/listeners.ts'
import { RateLimiter } from './http/rate-limit.ts'
import { createHttpApp } from './http/server.ts'

const STOP_WITHIN_MS = 4_000

/** Starts a server. Rejects where a port, a file or the database cannot be used; then nothing is left running. */
export async function startApp(config: Config): Promise<RunningApp> {
  await using stack = new AsyncDisposableStack()
  const log = stack.use(createLogger(config.log))
  const { storage, registration } = openServer(config, stack)
  const metrics = createMetrics(config.metrics)
  const setup = new Setup({
    serverName: config.serverName,
    baseUrl: config.publicBaseUrl,
    token: randomToken(),
    hasAccounts: () => registration.hasAccounts(),
    createAdmin: async (localpart, password) => (await registration.createFirstAdmin({ localpart, password })).user_id as UserId,
  })
  const about = {
    ...config,
    version: programVersion(),
    baseUrl: config.publicBaseUrl,
    registrationOpen: config.registration.enabled,
  }
  const http = createHttpApp({
    routes: [
      landingRoute(about),
      ...setupRoutes(setup),
      ...operationRoutes({ metrics, probes: { database: () => storage.accounts.any() } }),
    ],
    authenticators: { client: () => Promise.reject(unknownToken()), server: () => Promise.reject(notFound()) },
    rateLimiter: new RateLimiter(config.rateLimits, systemClock),
    log: log.logger('http'),
    trustedProxies: config.trustedProxies,
  })
  const listening = await startListeners(config.listeners, http)
  stack.defer(() => listening.close(STOP_WITHIN_MS))
  const setupLink = (await registration.hasAccounts()) ? undefined : setup.link
  const running = stack.move()
  return { urls: listening.at.map(urlOf), setupLink, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** The accounts alone, for the command line. */
export async function openAccounts(config: Config): Promise<AccountDesk> {
  const stack = new AsyncDisposableStack()
  const { registration } = openServer(config, stack)
  return {
    createAccount: async (account) => (await registration.createAccount(account)).user_id as UserId,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function openServer(config: Config, stack: AsyncDisposableStack) {
  const storage = openStorage(config.database.path)
  stack.use(storage.db)
  const ports = {
    remoteProfiles: { query: () => Promise.reject(notFound()) },
    onProfileChanged: () => Promise.resolve(),
    leaveAllRooms: () => Promise.resolve(),
    deviceListeners: [],
  }
  return { storage, ...createAccounts(config, systemClock, storage, ports) }
}

function urlOf({ address, port, tls }: { address: string; port: number; tls: boolean }): string {
  return `${tls ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}:${port}`
}
