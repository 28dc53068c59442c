/** Two servers in processes of their own that federate, and accounts on them for client libraries to log in to, over TLS. */
import assert from 'node:assert/strict'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { JsonObject } from '../../schemas/json.ts'
import { federatedSettings } from '../support/federated-settings.ts'
import { CHECKED, ServerProcess } from '../support/server-process.ts'
import { sharedSecretRegistration } from '../support/shared-secret.ts'
import { call } from '../support/user.ts'

export interface ClientServer {
  readonly name: string
  /** Where clients connect, over TLS; the same after a restart. */
  readonly url: string
  readonly process: ServerProcess
}

export interface Account {
  readonly url: string
  readonly userId: string
  readonly password: string
}

export interface TwoServers extends AsyncDisposable {
  readonly one: ClientServer
  readonly two: ClientServer
  /** The certificate that theirs are signed by. */
  readonly authorityPem: string
}

/**
 * From now on the whole process trusts the servers' authority, as it would one of the system's.
 * `extra`: groups of the configuration file beside those that make them federate.
 */
export async function twoServers(extra: JsonObject = {}): Promise<TwoServers> {
  await using stack = new AsyncDisposableStack()
  const settings = stack.use(await federatedSettings(2))
  setDefaultCACertificates([...getCACertificates(), settings.authorityPem])
  const start = async ({ name, tlsUrl, listeners, federation }: (typeof settings.servers)[number]): Promise<ClientServer> => {
    const config = { ...extra, listeners, federation, public_base_url: tlsUrl }
    return { name, url: tlsUrl, process: stack.use(await ServerProcess.start({ name, config, program: CHECKED })) }
  }
  const [one, two] = await Promise.all(settings.servers.map(start))
  assert.ok(one && two)
  const running = stack.move()
  return { one, two, authorityPem: settings.authorityPem, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** An account that nobody is logged in to. */
export async function account({ name, url, process }: ClientServer, localpart: string): Promise<Account> {
  const caller = { name, url: process.url }
  const path = '/_synapse/admin/v1/register'
  const { body } = await call(caller, 'GET', path)
  const password = `${localpart}'s password`
  const registration = sharedSecretRegistration(String(body['nonce']), localpart, password)
  const { status } = await call(caller, 'POST', path, { ...registration, inhibit_login: true })
  assert.equal(status, 200)
  return { url, userId: `@${localpart}:${name}`, password }
}
