/** Settings of servers on this machine that reach one another over TLS, with certificates of an authority of their own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../../schemas/json.ts'
import { createDevCa } from '../../src/core/dev-ca.ts'
import { freePorts } from './ports.ts'

export interface FederatedServer {
  readonly name: string
  /** Where clients reach it, and identity servers, over plain HTTP. */
  readonly port: number
  /** The same over TLS, with a certificate of the authority. */
  readonly tlsUrl: string
  /** The groups of the configuration file. */
  readonly listeners: JsonObject[]
  readonly federation: JsonObject
}

export interface FederatedSettings extends AsyncDisposable {
  readonly servers: readonly FederatedServer[]
  /** The certificate of their authority. */
  readonly authorityPem: string
}

/** Names them `hs1.test`, `hs2.test`, ...; disposing takes the certificates away. */
export async function federatedSettings(count: number): Promise<FederatedSettings> {
  const ca = await createDevCa()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-ca-'))
  await writeFile(join(folder, 'ca.pem'), ca.certificatePem)
  const ports = await freePorts(count * 2)
  const names = Array.from({ length: count }, (_, i) => `hs${i + 1}.test`)
  const federation = {
    custom_ca_files: [join(folder, 'ca.pem')],
    ip_range_denylist: [],
    trusted_key_servers: [],
    host_overrides: Object.fromEntries(names.map((name, i) => [name, `127.0.0.1:${ports[i * 2 + 1]}`])),
    max_retry_interval_ms: 1000,
    allow_public_rooms: true,
  }
  const servers: FederatedServer[] = []
  for (const [i, name] of names.entries()) {
    const [port = 0, tlsPort = 0] = ports.slice(i * 2)
    const tls = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
    const { certificatePem, keyPem } = await ca.issue([name, '127.0.0.1'])
    await writeFile(tls.certificate, certificatePem)
    await writeFile(tls.key, keyPem)
    const listeners = [
      { port, resources: ['client', 'federation', 'media', 'admin', 'metrics'] },
      { port: tlsPort, resources: ['federation', 'client', 'media'], tls },
    ]
    servers.push({ name, port, tlsUrl: `https://127.0.0.1:${tlsPort}`, listeners, federation })
  }
  return { servers, authorityPem: ca.certificatePem, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}
