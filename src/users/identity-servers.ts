/** What is asked of identity servers. https://spec.matrix.org/v1.19/identity-service-api/ */
import { createHash } from 'node:crypto'
import { isServerName, isUserId, type ServerName, type UserId } from '../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, stringAt } from '../../schemas/json.ts'
import { badGateway, invalidParam, MatrixError } from '../core/errors.ts'
import { parseJson } from '../core/json-text.ts'
import type { Outbound } from '../http/outbound.ts'
import type { Address } from '../storage/third-party-ids.ts'

/** An identity server, and the user's token for it. */
export interface IdentityServer {
  readonly idServer: string
  readonly accessToken?: string | undefined
}

interface Call extends IdentityServer {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly body?: JsonObject
  readonly headers?: Readonly<Record<string, string>>
}

/** The `Authorization` header of a request that this server signs. */
export type SignCall = (method: string, uri: string, destination: ServerName, body: JsonObject) => string

const V2 = '/_matrix/identity/v2'
const MAX_BYTES = 64 * 1024
const TIMEOUT_MS = 20_000

export class IdentityServers {
  readonly #outbound: Pick<Outbound, 'request'>
  readonly #sign: SignCall

  constructor({ outbound, sign }: { outbound: Pick<Outbound, 'request'>; sign: SignCall }) {
    this.#outbound = outbound
    this.#sign = sign
  }

  /** The user who has an address there, if any. */
  async lookUp(server: IdentityServer, { medium, address }: Address): Promise<UserId | undefined> {
    const details = await this.#call({ ...server, method: 'GET', path: `${V2}/hash_details` })
    const pepper = stringAt(details, 'lookup_pepper') ?? ''
    // The string consisting of the address, medium and pepper is hashed with SHA-256, and the result encoded in URL-safe unpadded base64.
    const hashed = createHash('sha256').update(`${address} ${medium} ${pepper}`).digest('base64url')
    const body = { algorithm: 'sha256', pepper, addresses: [hashed] }
    const { mappings } = await this.#call({ ...server, path: `${V2}/lookup`, body })
    const found = isJsonObject(mappings) ? stringAt(mappings, hashed) : undefined
    return found !== undefined && isUserId(found) ? found : undefined
  }

  /** Keeps an invite until somebody proves to have the address; answers `token`, `public_keys` and `display_name`. */
  storeInvite(server: IdentityServer, invite: JsonObject): Promise<JsonObject> {
    return this.#call({ ...server, path: `${V2}/store-invite`, body: invite })
  }

  /** Binds the address of a session at the identity server to a user; answers the address that it was. */
  async bind(server: IdentityServer, sid: string, clientSecret: string, userId: UserId): Promise<Address> {
    const body = { sid, client_secret: clientSecret, mxid: userId }
    const { medium, address } = await this.#call({ ...server, path: `${V2}/3pid/bind`, body })
    if ((medium !== 'email' && medium !== 'msisdn') || typeof address !== 'string') {
      throw badGateway('The identity server has not said which address it has bound')
    }
    return { medium, address }
  }

  /** Undoes a binding. The request is signed by the homeserver of the user. Answers whether the identity server did it. */
  async unbind(idServer: string, userId: UserId, { medium, address }: Address): Promise<boolean> {
    if (!isServerName(idServer)) throw notAServer()
    const path = `${V2}/3pid/unbind`
    const body = { mxid: userId, threepid: { medium, address } }
    const authorization = this.#sign('POST', path, idServer, body)
    try {
      await this.#call({ idServer, path, body, headers: { authorization } })
      return true
    } catch (cause) {
      // Not there any more, or a server that cannot undo bindings: there is nothing else that could be done.
      if (cause instanceof MatrixError) return false
      throw cause
    }
  }

  /** Whether a key of an invite is still good, by the URL that the invite names for the question. */
  async isKeyValid(validityUrl: string, publicKey: string): Promise<boolean> {
    const url = URL.parse(validityUrl)
    if (url === null) return false
    url.searchParams.set('public_key', publicKey)
    const answer = await this.#request('GET', url.href, {}).catch((cause: unknown) => {
      if (cause instanceof MatrixError) return undefined
      throw cause
    })
    return answer?.['valid'] === true
  }

  #call({ idServer, accessToken, method = 'POST', path, body, headers = {} }: Call): Promise<JsonObject> {
    if (!isServerName(idServer)) throw notAServer()
    if (accessToken !== undefined && !TOKEN.test(accessToken)) throw invalidParam('id_access_token is not an access token')
    const token = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }
    return this.#request(method, `https://${idServer}${path}`, { ...token, ...headers }, body)
  }

  async #request(
    method: 'GET' | 'POST',
    url: string,
    headers: Readonly<Record<string, string>>,
    body?: JsonObject,
  ): Promise<JsonObject> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const limits = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS }
    const answer = await this.#outbound.request({ url, method, headers: { ...headers, ...json }, ...sent, ...limits })
    const parsed = parsedOf(answer.body)
    if (answer.status === 200 && isJsonObject(parsed)) return parsed
    throw badGateway(`The identity server has answered with ${answer.status}`)
  }
}

/** What can be in a header. */
const TOKEN = /^[\x20-\x7e]+$/

const notAServer = () => invalidParam('id_server is not the name of a server')

function parsedOf(body: Buffer): Json | undefined {
  try {
    return parseJson(body.toString('utf8')) as Json
  } catch {
    return undefined
  }
}
