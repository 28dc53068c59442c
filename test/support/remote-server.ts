/** Other homeservers for tests: real TLS listeners on 127.0.0.1, each with a signing key of its own. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerName } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { createDevCa, type DevCa } from '../../src/core/dev-ca.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Names } from '../../src/http/names.ts'
import { createOutbound, type Outbound } from '../../src/http/outbound.ts'
import { type SigningKey, signingKeyFromSeed, signJson } from '../../src/protocol/signing.ts'
import { requestToSign, signRequest } from '../../src/protocol/xmatrix.ts'

export interface ReceivedRequest {
  readonly method: string
  /** Path and query string. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status?: number
  readonly headers?: Record<string, string>
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: Json
}

export type Responder = (request: ReceivedRequest) => Reply | Promise<Reply>

export const newSigningKey = (version = 'a_test'): SigningKey => signingKeyFromSeed(version, randomBytes(32))

/** A remote homeserver that answers what the test tells it to; it publishes its keys by itself. */
export class RemoteServer implements AsyncDisposable {
  readonly name: ServerName
  readonly port: number
  /** Host and port that it listens on. */
  readonly address: string
  signingKey: SigningKey
  /** All requests so far, oldest first. */
  readonly requests: ReceivedRequest[] = []
  readonly #responders: { readonly method: string; readonly path: string | RegExp; readonly respond: Responder }[] = []
  readonly #close: () => Promise<void>

  constructor(name: ServerName, port: number, signingKey: SigningKey, close: () => Promise<void>) {
    this.name = name
    this.port = port
    this.address = `127.0.0.1:${port}`
    this.signingKey = signingKey
    this.#close = close
    this.on('GET', '/_matrix/key/v2/server', () => ({ body: this.publishedKeys() }))
  }

  /** Answers requests to `path` (without the query string). The last one declared comes first. */
  on(method: string, path: string | RegExp, respond: Responder): void {
    this.#responders.unshift({ method, path, respond })
  }

  /** The answer with this server's keys, signed; `changes` replace members before it is. */
  publishedKeys(changes: JsonObject = {}): JsonObject {
    const { keyId, publicKey } = this.signingKey
    const keys: JsonObject = {
      server_name: this.name,
      valid_until_ts: Date.now() + 86_400_000,
      verify_keys: { [keyId]: { key: publicKey } },
      old_verify_keys: {},
      ...changes,
    }
    return signJson(keys, this.name, this.signingKey)
  }

  /** The `Authorization` header of a request from this server. */
  authorization(destination: ServerName, method: string, uri: string, content?: Json, key = this.signingKey): string {
    return signRequest(requestToSign(method, uri, this.name, destination, content), key)
  }

  /** How many requests there were for a path, without its query string. */
  count(path: string): number {
    return this.requests.filter(({ url }) => url.split('?')[0] === path).length
  }

  async answer(request: ReceivedRequest): Promise<Reply> {
    this.requests.push(request)
    const path = request.url.split('?')[0] ?? ''
    const match = this.#responders.find(
      ({ method, path: wanted }) =>
        method === request.method && (typeof wanted === 'string' ? wanted === path : wanted.test(path)),
    )
    return match ? match.respond(request) : { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'No such endpoint' } }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}

/** A certificate authority, an outbound client that trusts it, and the servers that were started. */
export class FederationLab implements AsyncDisposable {
  readonly ca: DevCa
  /** PEM file of the authority, for `federation.custom_ca_files`. */
  readonly caFile: string
  readonly outbound: Outbound
  /** For `federation.host_overrides`: where the servers listen. */
  readonly hostOverrides: Record<string, string> = {}
  readonly #folder: string
  readonly #servers: RemoteServer[] = []

  constructor(ca: DevCa, folder: string, caFile: string) {
    this.ca = ca
    this.caFile = caFile
    this.#folder = folder
    this.outbound = createOutbound(
      { customCaFiles: [caFile], verifyTls: true, ipRangeDenylist: [] },
      new Names({ clock: systemClock }),
    )
  }

  /** Starts a server. Its certificate is for `name` without its port, or for `certificateFor`. */
  async server(name: string, certificateFor = [name.replace(/:\d+$/, '')]): Promise<RemoteServer> {
    const { certificatePem: cert, keyPem: key } = await this.ca.issue(certificateFor)
    const listener = createServer({ cert, key })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    const server = new RemoteServer(name as ServerName, port, newSigningKey(), async () => {
      listener.closeAllConnections()
      if (listener.listening) await new Promise((resolve) => listener.close(resolve))
    })
    listener.on('request', (request, response) => void serve(server, request, response))
    this.hostOverrides[name] = server.address
    this.#servers.push(server)
    return server
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.outbound[Symbol.asyncDispose]()
    for (const server of this.#servers) await server[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true })
  }
}

export async function federationLab(): Promise<FederationLab> {
  const ca = await createDevCa()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-lab-'))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, ca.certificatePem)
  return new FederationLab(ca, folder, caFile)
}

async function serve(server: RemoteServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = await request.toArray()
  const { method = '', url = '', headers } = request
  const reply = await server.answer({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') })
  response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers })
  response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {}))
}
