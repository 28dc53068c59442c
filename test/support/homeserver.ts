/**
 * Real servers for tests: started in this process from a real configuration file, each on its own ports and database. An
 * answer that is not as its endpoint declares it is a 500, and fails the test when its server is disposed of.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../../schemas/json.ts'
import { startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { federatedSettings } from './federated-settings.ts'
import { freePorts } from './ports.ts'
import { SHARED_SECRET } from './shared-secret.ts'
import { type Caller, type EachOf, logIn, type TestUser } from './user.ts'

export interface TestHomeserver extends AsyncDisposable {
  readonly name: string
  /** Where clients reach it, over plain HTTP. */
  readonly url: string
  readonly folder: string
  /** Registers users who are logged in on one device each. */
  users<const Names extends readonly string[]>(...localparts: Names): Promise<EachOf<Names, TestUser>>
  user(localpart: string): Promise<TestUser>
  /** Stops it and starts it again over the same files. */
  restart(): Promise<void>
}

export interface HomeserverOptions {
  /** Settings over those of tests, as the configuration file has them. */
  readonly config?: JsonObject
  readonly name?: string
}

/** A server of its own, without federation. */
export async function testHomeserver(options: HomeserverOptions = {}): Promise<TestHomeserver> {
  const [port = 0] = await freePorts(1)
  const config = { federation: { enabled: false }, ...options.config }
  return start(options.name ?? 'test.example', port, [{ port, resources: ['client', 'media', 'admin', 'metrics'] }], config)
}

/** Servers that reach one another over TLS, called `hs1.test`, `hs2.test`, ... */
export async function testFederation(
  count: number,
  options: HomeserverOptions = {},
): Promise<TestHomeserver[] & AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  const settings = stack.use(await federatedSettings(count))
  const servers: TestHomeserver[] = []
  for (const { name, port, listeners, federation } of settings.servers)
    servers.push(stack.use(await start(name, port, listeners, { federation, ...options.config })))
  return Object.assign(servers, { [Symbol.asyncDispose]: () => stack.disposeAsync() })
}

async function start(name: string, port: number, listeners: JsonObject[], settings: JsonObject): Promise<TestHomeserver> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  const file = join(folder, 'causeway.yaml')
  const url = `http://127.0.0.1:${port}`
  await mkdir(join(folder, 'data'))
  await writeFile(
    file,
    JSON.stringify({
      server_name: name,
      public_base_url: url,
      listeners,
      log: { level: 'info', format: 'json', file: join(folder, 'log') },
      registration: { enabled: true, require_verification: false, allow_guests: true, shared_secret: SHARED_SECRET },
      password: { hash_cost: 'minimal' },
      rate_limits: { enabled: false },
      sync: { response_cache_ms: 0 },
      ...settings,
    }),
  )
  const mistakes: string[] = []
  const onUndeclared = (mistake: string) => void mistakes.push(mistake)
  const run = () => startApp(loadConfig({ file, env: {}, cwd: folder }), { onUndeclared })
  let app = await run()
  const caller: Caller = { url, name }
  return {
    name,
    url,
    folder,
    user: (localpart) => logIn(caller, localpart),
    users: <const Names extends readonly string[]>(...localparts: Names) =>
      Promise.all(localparts.map((localpart) => logIn(caller, localpart))) as Promise<EachOf<Names, TestUser>>,
    restart: async () => {
      await app[Symbol.asyncDispose]()
      app = await run()
    },
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
      // The test may not have looked at every answer.
      assert.deepEqual(mistakes, [])
    },
  }
}
