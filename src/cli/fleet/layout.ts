/** The files of a fleet: one folder for each server, and the certificate authority that they all trust. */
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { stringify } from 'yaml'

/** What a server looks for where it runs. */
const CONFIG_FILE = 'causeway.yaml'
const ADDRESS = '127.0.0.1'

export interface ServerFiles {
  readonly name: string
  /** Where clients reach it, over plain HTTP. */
  readonly url: string
  /** Where it runs and where everything of it is. */
  readonly folder: string
}

interface Plan {
  readonly name: string
  readonly clientPort: number
  readonly federationPort: number
}

/** Writes configurations and certificates for `count` servers, called `hs1.test`, `hs2.test`, ..., into `folder`. */
export async function layOutFleet(folder: string, count: number, sharedSecret: string): Promise<ServerFiles[]> {
  // Loaded here: of all commands, only this one has use for it.
  const { createDevCa } = await import('../../core/dev-ca.ts')
  const ca = await createDevCa()
  await writeFile(join(folder, 'ca.pem'), ca.certificatePem)
  const ports = await freePorts(count * 2)
  const plans: Plan[] = Array.from({ length: count }, (_, i) => {
    const [clientPort = 0, federationPort = 0] = ports.slice(i * 2)
    return { name: `hs${i + 1}.test`, clientPort, federationPort }
  })
  const addresses = Object.fromEntries(plans.map(({ name, federationPort }) => [name, `${ADDRESS}:${federationPort}`]))
  return Promise.all(
    plans.map(async (plan) => {
      const home = join(folder, plan.name)
      const certificate = await ca.issue([plan.name])
      await mkdir(home)
      await writeFile(join(home, 'tls.crt'), certificate.certificatePem)
      await writeFile(join(home, 'tls.key'), certificate.keyPem, { mode: 0o600 })
      await writeFile(join(home, CONFIG_FILE), stringify(settings(plan, addresses, sharedSecret)), { mode: 0o600 })
      return { name: plan.name, url: urlOf(plan), folder: home }
    }),
  )
}

const urlOf = ({ clientPort }: Plan): string => `http://${ADDRESS}:${clientPort}`

/** Relative paths start where the server runs: in its own folder. */
function settings(plan: Plan, addresses: Record<string, string>, sharedSecret: string) {
  const { name, clientPort, federationPort } = plan
  const tls = { certificate: 'tls.crt', key: 'tls.key' }
  return {
    server_name: name,
    public_base_url: urlOf(plan),
    listeners: [
      { address: ADDRESS, port: clientPort, resources: ['client', 'media', 'admin'] },
      { address: ADDRESS, port: federationPort, resources: ['federation', 'media'], tls },
    ],
    log: { file: 'log', format: 'json' },
    registration: { shared_secret: sharedSecret },
    // What is measured is the servers, not their patience.
    rate_limits: { enabled: false },
    federation: {
      custom_ca_files: ['../ca.pem'],
      ip_range_denylist: [],
      trusted_key_servers: [],
      host_overrides: addresses,
    },
  }
}

/** Ports of the loopback address that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, ADDRESS))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map(portOf)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
