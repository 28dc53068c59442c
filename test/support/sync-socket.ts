/** A client of `/sync` over a WebSocket, in the words of conversations. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { JsonObject } from '../../schemas/json.ts'
import { type HomeserverOptions, testHomeserver, type TestHomeserver } from './homeserver.ts'
import type { SeenSync, TestUser } from './user.ts'

export const PATH = '/_matrix/client/unstable/chat.causeway/sync'
export const PROTOCOL = 'chat.causeway.sync.v1'

export interface SeenAnswer extends SeenSync {
  readonly to_device: { events: JsonObject[] }
  readonly device_lists?: { changed?: string[]; left?: string[] }
}

/** How the server has ended a socket. */
export interface Ended {
  readonly code: number
  readonly reason: string
}

export class SocketClient {
  readonly webSocket: WebSocket
  readonly #answers: SeenAnswer[] = []
  #wake = Promise.withResolvers<void>()
  /** That of the last answer that was looked at. */
  lastToken = ''
  readonly ended: Promise<Ended>

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket
    webSocket.on('message', (data) => {
      this.#answers.push(JSON.parse(String(data)))
      this.#wake.resolve()
    })
    webSocket.on('error', () => {})
    this.ended = new Promise((resolve) => {
      webSocket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
    })
    void this.ended.then(() => this.#wake.resolve())
  }

  /** How many answers are here that nobody has looked at. */
  get waiting(): number {
    return this.#answers.length
  }

  /** The next answer of the server, in order. */
  async next(): Promise<SeenAnswer> {
    while (this.#answers.length === 0) {
      assert.equal(this.webSocket.readyState, WebSocket.OPEN, 'The server has closed the socket')
      this.#wake = Promise.withResolvers<void>()
      await this.#wake.promise
    }
    const answer = this.#answers.shift()
    assert.ok(answer)
    this.lastToken = answer.next_batch
    return answer
  }

  /** The next answer, acknowledged. */
  async take(): Promise<SeenAnswer> {
    const answer = await this.next()
    this.acknowledge(answer.next_batch)
    return answer
  }

  /** Takes answers until one satisfies `wanted`. */
  async takeUntil<T>(wanted: (answer: SeenAnswer) => T | undefined): Promise<T> {
    for (;;) {
      const found = wanted(await this.take())
      if (found !== undefined) return found
    }
  }

  acknowledge(token: string): void {
    this.webSocket.send(JSON.stringify({ ack: token }))
  }

  /** Leaves without a word. */
  async drop(): Promise<void> {
    this.webSocket.terminate()
    await this.ended
  }
}

/** A server with two users in a room, whose sockets bring nothing but what the tests do. */
export async function conversation(config: HomeserverOptions['config'] = {}) {
  const hs = await testHomeserver({ config: { presence: { enabled: false }, ...config } })
  const [alice, bob] = await hs.users('alice', 'bob')
  assert.ok(alice && bob)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  return { hs, alice, bob, room, [Symbol.asyncDispose]: () => hs[Symbol.asyncDispose]() }
}

/** The text messages of a room in an answer. */
export const bodiesIn = (answer: SeenSync, room: string): unknown[] =>
  (answer.rooms.join[room]?.timeline.events ?? []).flatMap(({ content }) => content['body'] ?? [])

/** Opens a socket that must be accepted. */
export async function openSocket(
  hs: TestHomeserver,
  user: Pick<TestUser, 'token'>,
  query: Record<string, string> = {},
): Promise<SocketClient> {
  const webSocket = new WebSocket(urlOf(hs, query), PROTOCOL, { headers: { authorization: `Bearer ${user.token}` } })
  const client = new SocketClient(webSocket)
  await once(webSocket, 'open')
  return client
}

/** Tries to open a socket that must be refused; the answer instead of it. */
export async function refusedSocket(
  hs: TestHomeserver,
  token: string | undefined,
  {
    query = {},
    protocols = [PROTOCOL],
    path = PATH,
  }: { query?: Record<string, string>; protocols?: string[]; path?: string } = {},
): Promise<{ status: number; body: JsonObject }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const webSocket = new WebSocket(urlOf(hs, query, path), protocols, { headers })
  webSocket.on('error', () => {})
  const [, response] = await once(webSocket, 'unexpected-response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, body: JSON.parse(text) }
}

const urlOf = (hs: TestHomeserver, query: Record<string, string>, path = PATH): string =>
  `${hs.url.replace('http', 'ws')}${path}?${new URLSearchParams(query)}`
