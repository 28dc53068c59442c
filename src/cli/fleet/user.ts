import { createHmac } from 'node:crypto'
import { isJsonObject, type Json, type JsonObject, stringAt } from '../../../schemas/json.ts'
import { parseJson } from '../../core/json-text.ts'
import { OperatorError } from '../../core/operator-error.ts'
import { randomToken } from '../../core/random.ts'
import type { ServerFiles } from './layout.ts'

const PASSWORD_BYTES = 9

/** A user of one of the servers. Every call throws OperatorError where it is refused or the server cannot be reached. */
export class FleetUser {
  readonly server: ServerFiles
  readonly id: string
  readonly password: string
  readonly #token: string
  readonly #signal: AbortSignal
  #transactions = 0

  private constructor(server: ServerFiles, id: string, password: string, token: string, signal: AbortSignal) {
    this.server = server
    this.id = id
    this.password = password
    this.#token = token
    this.#signal = signal
  }

  /** Makes an account with the registration secret. `signal` ends all calls of the user. */
  static async register(server: ServerFiles, localpart: string, secret: string, signal: AbortSignal): Promise<FleetUser> {
    const path = '/_synapse/admin/v1/register'
    const nonce = textAt(await request(server, 'GET', path, { signal }), 'nonce')
    const password = randomToken(PASSWORD_BYTES)
    const mac = createHmac('sha1', secret).update([nonce, localpart, password, 'notadmin'].join('\0')).digest('hex')
    const account = await request(server, 'POST', path, { signal, body: { nonce, username: localpart, password, mac } })
    return new FleetUser(server, textAt(account, 'user_id'), password, textAt(account, 'access_token'), signal)
  }

  /** A path of the client-server API, version 3. */
  call(method: string, path: string, body?: JsonObject): Promise<JsonObject> {
    return request(this.server, method, `/_matrix/client/v3/${path}`, { signal: this.#signal, body, token: this.#token })
  }

  /** Makes a public room that others can join by the alias `localpart`. */
  async createRoom(name: string, localpart: string): Promise<string> {
    return textAt(await this.call('POST', 'createRoom', { preset: 'public_chat', name, room_alias_name: localpart }), 'room_id')
  }

  /** The state events of a room. */
  async state(roomId: string): Promise<JsonObject[]> {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state`
    return objectsIn(await requestJson(this.server, 'GET', path, { signal: this.#signal, token: this.#token }))
  }

  async join(alias: string): Promise<void> {
    await this.call('POST', `join/${encodeURIComponent(alias)}`, {})
  }

  /** Sends a text message; gives the event id. */
  async say(roomId: string, text: string, replyTo?: string): Promise<string> {
    const relation = replyTo === undefined ? {} : { 'm.relates_to': { 'm.in_reply_to': { event_id: replyTo } } }
    const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${this.#transactions++}`
    return textAt(await this.call('PUT', path, { msgtype: 'm.text', body: text, ...relation }), 'event_id')
  }
}

/** The string under `key`. Throws OperatorError where there is none: the server does not keep to the specification. */
export function textAt(answer: JsonObject, key: string): string {
  const text = stringAt(answer, key)
  if (text === undefined) throw new OperatorError(`An answer has no "${key}": ${JSON.stringify(answer)}`)
  return text
}

/** The objects of an array; none of what is no array. */
export function objectsIn(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

interface Call {
  readonly signal: AbortSignal
  readonly body?: JsonObject | undefined
  readonly token?: string
}

async function request(server: ServerFiles, method: string, path: string, call: Call): Promise<JsonObject> {
  const answer = await requestJson(server, method, path, call)
  if (isJsonObject(answer)) return answer
  throw new OperatorError(`${server.name} answered ${method} ${path} with something else than an object`)
}

async function requestJson({ name, url }: ServerFiles, method: string, path: string, call: Call): Promise<Json> {
  const { status, text } = await exchange(`${url}${path}`, method, call).catch((cause: unknown) => {
    if (call.signal.aborted) throw call.signal.reason
    throw new OperatorError(`${name} does not answer ${method} ${path}: ${String(cause)}`)
  })
  if (status !== 200) throw new OperatorError(`${name} answered ${method} ${path} with ${status}: ${text}`)
  return parseJson(text)
}

async function exchange(url: string, method: string, { signal, body, token }: Call): Promise<{ status: number; text: string }> {
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const response = await fetch(url, { method, signal, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  return { status: response.status, text: await response.text() }
}
