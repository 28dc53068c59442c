/** Real servers for tests: started in this process from a real configuration file, each on its own ports and database. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../../schemas/json.ts'
import { startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createDevCa, type DevCa } from '../../src/core/dev-ca.ts'
import { SHARED_SECRET } from './shared-secret.ts'
import { type Caller, logIn, type TestUser } from './user.ts'

export interface TestHomeserver extends AsyncDisposable {
  readonly name: string
  /** Where clients reach it, over plain HTTP. */
  readonly url: string
  readonly folder: string
  /** Registers users who are logged in on one device each. */
  users(...localparts: string[]): Promise<TestUser[]>
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
  const ca = await createDevCa()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-ca-'))
  stack.defer(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'ca.pem'), ca.certificatePem)
  const ports = await freePorts(count * 2)
  const names = Array.from({ length: count }, (_, i) => `hs${i + 1}.test`)
  const overrides = Object.fromEntries(names.map((name, i) => [name, `127.0.0.1:${ports[i * 2 + 1]}`]))
  const servers: TestHomeserver[] = []
  for (const [i, name] of names.entries()) {
    const [plain = 0, tls = 0] = ports.slice(i * 2)
    await writeCertificate(ca, folder, name)
    const listeners = [
      { port: plain, resources: ['client', 'media', 'admin', 'metrics'] },
      {
        port: tls,
        resources: ['federation', 'client'],
        tls: { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) },
      },
    ]
    const federation = {
      custom_ca_files: [join(folder, 'ca.pem')],
      ip_range_denylist: [],
      trusted_key_servers: [],
      host_overrides: overrides,
      max_retry_interval_ms: 1000,
      allow_public_rooms: true,
    }
    servers.push(stack.use(await start(name, plain, listeners, { federation, ...options.config })))
  }
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
  const run = () => startApp(loadConfig({ file, env: {}, cwd: folder }))
  let app = await run()
  const caller: Caller = { url, name }
  return {
    ...{ name, url, folder },
    user: (localpart) => logIn(caller, localpart),
    users: (...localparts) => Promise.all(localparts.map((localpart) => logIn(caller, localpart))),
    restart: async () => {
      await app[Symbol.asyncDispose]()
      app = await run()
    },
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

async function writeCertificate(ca: DevCa, folder: string, name: string): Promise<void> {
  const { certificatePem, keyPem } = await ca.issue([name])
  await writeFile(join(folder, `${name}.crt`), certificatePem)
  await writeFile(join(folder, `${name}.key`), keyPem)
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
