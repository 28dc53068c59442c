/** A user of a test server, in the words of the conversations that tests are. Every call is real HTTP. */
import assert from 'node:assert/strict'
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'

export interface Caller {
  readonly url: string
  readonly name: string
}

export interface Reply {
  readonly status: number
  readonly body: JsonObject
}

/** An event as a client sees it. */
export interface SeenEvent extends JsonObject {
  type: string
  sender: string
  event_id: string
  content: JsonObject
}

export interface SeenRoom {
  readonly timeline: { events: SeenEvent[]; limited?: boolean; prev_batch?: string }
  readonly state: { events: SeenEvent[] }
  readonly ephemeral: { events: { type: string; content: JsonObject }[] }
  readonly account_data: { events: { type: string; content: JsonObject }[] }
}

export interface SeenSync {
  readonly next_batch: string
  readonly rooms: {
    readonly join: Record<string, SeenRoom>
    readonly leave: Record<string, SeenRoom>
    readonly invite: Record<string, { invite_state: { events: JsonObject[] } }>
    readonly knock: Record<string, JsonObject>
  }
  readonly account_data: { events: { type: string; content: JsonObject }[] }
}

/** One of something for each of some names. */
export type EachOf<Names extends readonly string[], T> = { -readonly [Index in keyof Names]: T }

let transactions = 0

/** Calls an endpoint; a path that does not start with a slash is one of the client-server API, version 3. */
export async function call(caller: Caller, method: string, path: string, body?: unknown, token?: string): Promise<Reply> {
  const response = await fetch(`${caller.url}${path.startsWith('/') ? path : `/_matrix/client/v3/${path}`}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const json: unknown = await response.json()
  assert.ok(isJsonObject(json), `${method} ${path} answered with something else than a JSON object`)
  return { status: response.status, body: json }
}

/** Registers a user. */
export async function logIn(caller: Caller, localpart: string): Promise<TestUser> {
  const { status, body } = await call(caller, 'POST', 'register', {
    username: localpart,
    password: `${localpart}'s password`,
    auth: { type: 'm.login.dummy' },
  })
  assert.equal(status, 200, JSON.stringify(body))
  return new TestUser(caller, String(body['user_id']), String(body['access_token']), String(body['device_id']))
}

export class TestUser {
  readonly #caller: Caller
  readonly id: string
  readonly token: string
  readonly deviceId: string
  #since: string | undefined

  constructor(caller: Caller, id: string, token: string, deviceId: string) {
    this.#caller = caller
    this.id = id
    this.token = token
    this.deviceId = deviceId
  }

  /** Any call, whatever the answer. */
  call(method: string, path: string, body?: unknown): Promise<Reply> {
    return call(this.#caller, method, path, body, this.token)
  }

  /** A call that must succeed. */
  async ok(method: string, path: string, body?: unknown): Promise<JsonObject> {
    const reply = await this.call(method, path, body)
    assert.equal(reply.status, 200, `${method} ${path}: ${JSON.stringify(reply.body)}`)
    return reply.body
  }

  /** A call that must be refused, with this status and errcode. */
  async refused(status: number, errcode: string, method: string, path: string, body?: unknown): Promise<JsonObject> {
    const reply = await this.call(method, path, body)
    assert.deepEqual([reply.status, reply.body['errcode']], [status, errcode], `${method} ${path}: ${JSON.stringify(reply.body)}`)
    return reply.body
  }

  async createRoom(options: JsonObject = {}): Promise<string> {
    return String((await this.ok('POST', 'createRoom', options))['room_id'])
  }

  /** Sends a text message, or any content; gives the event id. */
  async send(roomId: string, content: string | JsonObject, type = 'm.room.message'): Promise<string> {
    const body = typeof content === 'string' ? { msgtype: 'm.text', body: content } : content
    return String((await this.ok('PUT', `rooms/${encodeURIComponent(roomId)}/send/${type}/t${transactions++}`, body))['event_id'])
  }

  async setState(roomId: string, type: string, content: JsonObject, stateKey = ''): Promise<string> {
    return String(
      (await this.ok('PUT', `rooms/${encodeURIComponent(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`, content))[
        'event_id'
      ],
    )
  }

  async join(roomIdOrAlias: string, via?: string): Promise<void> {
    await this.ok('POST', `join/${encodeURIComponent(roomIdOrAlias)}${via === undefined ? '' : `?server_name=${via}`}`, {})
  }

  invite = (roomId: string, userId: string) => this.#member(roomId, 'invite', { user_id: userId })
  kick = (roomId: string, userId: string) => this.#member(roomId, 'kick', { user_id: userId })
  ban = (roomId: string, userId: string) => this.#member(roomId, 'ban', { user_id: userId })
  unban = (roomId: string, userId: string) => this.#member(roomId, 'unban', { user_id: userId })
  leave = (roomId: string) => this.#member(roomId, 'leave', {})

  /** Everything from the start, or what is new since the user's last sync. */
  async sync(query: Record<string, string> = {}): Promise<SeenSync> {
    const parameters = new URLSearchParams({ timeout: '0', ...(this.#since !== undefined && { since: this.#since }), ...query })
    const seen = withAllParts(await this.ok('GET', `sync?${parameters}`))
    this.#since = seen.next_batch
    return seen
  }

  /** Syncs until something satisfies `wanted`, at most ten long polls. */
  async syncUntil<T>(wanted: (sync: SeenSync) => T | undefined): Promise<T> {
    for (let poll = 0; poll < 10; poll++) {
      const found = wanted(await this.sync(this.#since === undefined ? {} : { timeout: '3000' }))
      if (found !== undefined) return found
    }
    assert.fail(`${this.id} waited in vain for: ${wanted}`)
  }

  /** The bodies of the text messages of a room, in order, from /messages. */
  async messages(roomId: string): Promise<string[]> {
    const { chunk } = await this.ok('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1000`)
    const events = (chunk ?? []) as unknown as SeenEvent[]
    return events.flatMap(({ content }) => (typeof content['body'] === 'string' ? [content['body']] : [])).toReversed()
  }

  async #member(roomId: string, action: string, body: JsonObject): Promise<void> {
    await this.ok('POST', `rooms/${encodeURIComponent(roomId)}/${action}`, body)
  }
}

/** Parts that an answer leaves out are empty, so that tests can look into them without asking. */
function withAllParts(body: JsonObject): SeenSync {
  const sync = body as unknown as Partial<SeenSync> & Pick<SeenSync, 'next_batch'>
  const rooms: SeenSync['rooms'] = Object.assign({ join: {}, leave: {}, invite: {}, knock: {} }, sync.rooms)
  const empty = { timeline: { events: [] }, state: { events: [] }, ephemeral: { events: [] }, account_data: { events: [] } }
  for (const part of [rooms.join, rooms.leave])
    for (const id of Object.keys(part)) part[id] = { ...empty, ...part[id] } as SeenRoom
  return { ...sync, account_data: sync.account_data ?? { events: [] }, rooms }
}
