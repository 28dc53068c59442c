/** A user of a measured server, on a connection of their own. */
import type { UserId } from '../schemas/ids.ts'
import { sharedSecretRegistration } from '../test/support/shared-secret.ts'
import { Connection } from './connection.ts'
import { BenchSocket } from './socket.ts'

const CLIENT = '/_matrix/client/v3/'
const MESSAGE = 'A message of about the length that people write, or a little more than that.'
const REGISTER = '/_synapse/admin/v1/register'

let users = 0
let transactions = 0

export class BenchUser {
  readonly #url: string
  readonly #connection: Connection
  readonly #token: string
  readonly id: UserId

  constructor(url: string, connection: Connection, id: UserId, token: string) {
    this.#url = url
    this.#connection = connection
    this.id = id
    this.#token = token
  }

  /** A call that must succeed; a path of the client-server API, version 3. Resolves with the answer's bytes. */
  async call(method: string, path: string, body?: string): Promise<Buffer> {
    return ok(this.#connection, method, CLIENT + path, this.#token, body)
  }

  async json<T>(method: string, path: string, body?: object): Promise<T> {
    return JSON.parse((await this.call(method, path, body && JSON.stringify(body))).toString())
  }

  async createRoom(options: object = { preset: 'public_chat' }): Promise<string> {
    return (await this.json<{ room_id: string }>('POST', 'createRoom', options)).room_id
  }

  join = (roomId: string, query = '') => this.call('POST', `join/${roomId}${query}`, '{}')

  send(roomId: string, text = MESSAGE): Promise<Buffer> {
    return this.call('PUT', `rooms/${roomId}/send/m.room.message/t${transactions++}`, `{"msgtype":"m.text","body":"${text}"}`)
  }

  /** A sync that is answered at once; resolves with its token. */
  async sync(since?: string): Promise<string> {
    const query = since === undefined ? '' : `&since=${since}`
    return (await this.json<{ next_batch: string }>('GET', `sync?timeout=0${query}`)).next_batch
  }

  /** Opens a WebSocket that takes what `sync` gives; resolves when it has had its first answer. */
  socket(): Promise<BenchSocket> {
    return BenchSocket.open(this.#url, this.#token)
  }

  /** The same device once more. */
  onAnotherConnection(): BenchUser {
    return new BenchUser(this.#url, new Connection(this.#url), this.id, this.#token)
  }

  /** The same device at a server that has been started again, and listens elsewhere. */
  at(url: string): BenchUser {
    return new BenchUser(url, new Connection(url), this.id, this.#token)
  }

  close(): void {
    this.#connection.close()
  }
}

/** Registers a user, logged in on one device. */
export async function registerUser(url: string): Promise<BenchUser> {
  const connection = new Connection(url)
  const { nonce } = JSON.parse((await ok(connection, 'GET', REGISTER)).toString())
  const registration = JSON.stringify(sharedSecretRegistration(nonce, `user${users++}`, 'a password'))
  const account = JSON.parse((await ok(connection, 'POST', REGISTER, undefined, registration)).toString())
  return new BenchUser(url, connection, account.user_id, account.access_token)
}

async function ok(connection: Connection, method: string, path: string, token?: string, body?: string): Promise<Buffer> {
  const answer = await connection.request(method, path, token, body)
  if (answer.status !== 200) throw new Error(`${method} ${path.replace(/\?.*/, '')}: ${answer.status} ${answer.body.toString()}`)
  return answer.body
}
