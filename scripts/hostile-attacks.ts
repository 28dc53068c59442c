/** The attacks of scripts/hostile.ts, run in a thread of their own so that they do not slow down the clock of the others. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Connection } from '../bench/connection.ts'

export interface Target {
  readonly attack: string
  readonly url: string
  readonly token: string
  readonly userId: string
}

type Attack = (target: Target) => Promise<void>
type Call = readonly [method: string, path: string, body?: object | undefined, token?: string]

const MEGABYTE = 1024 * 1024
const CHUNK = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 'x'), Buffer.from('\r\n')])

const accountData = ({ userId }: Target) => `/_matrix/client/v3/user/${userId}/account_data/org.example.hostile`
const invitees = (count: number) => Array.from({ length: count }, (_, n) => `@user${n}:test.example`)
const SLIDING_SYNC = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
/** It asks for a lot of state that nothing else asks for. */
const slidingRequest = (n: number) => ({
  conn_id: `connection ${n}`,
  lists: {
    all: {
      timeline_limit: 1,
      ranges: [[0, 1_000]],
      required_state: Array.from({ length: 500 }, (_, k) => [`${n} ${k}`, 'x'.repeat(200)]),
    },
  },
})
/** As long as the head of a request may be. */
const longFilter = (n: number) =>
  encodeURIComponent(JSON.stringify({ room: { timeline: { types: [`${n}`, 'x'.repeat(25_000)] } } }))
const manyKeys = (n: number) => Object.fromEntries(Array.from({ length: 10_000 }, (_, key) => [`key${key}`, n]))

/** Each goes on until its thread is ended. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  nothing: async () => {},
  'bodies of 50 MB': (target) => onSockets(20, () => sendBody(target)),
  '10,000 filters': calls((target, n) => [
    'POST',
    `/_matrix/client/v3/user/${target.userId}/filter`,
    { event_format: 'client', room: { timeline: { limit: n + 1 } } },
  ]),
  'account data of 10,000 keys': calls((target, n) => ['PUT', accountData(target), manyKeys(n)]),
  '10,000 types of account data': calls((target, n) => ['PUT', `${accountData(target)}${n}`, { n }]),
  'rooms with 200 invites': calls(() => ['POST', '/_matrix/client/v3/createRoom', { invite: invitees(200) }]),
  'rooms with 10,000 invites': calls(() => ['POST', '/_matrix/client/v3/createRoom', { invite: invitees(10_000) }]),
  '500 sockets, a letter a second': (target) => onSockets(500, () => dribble(target)),
  'made up tokens': calls((_, n) => ['GET', '/_matrix/client/v3/account/whoami', undefined, `made-up-${n}`]),
  'connections of sliding sync': calls((_, n) => ['POST', SLIDING_SYNC, slidingRequest(n)]),
  'filters of 25 KB in /sync': calls((_, n) => ['GET', `/_matrix/client/v3/sync?filter=${longFilter(n)}`]),
  'long messages, read in many ways': readLongMessages,
  'WebSockets that come and go': (target) => onSockets(20, () => comeAndGo(target)),
}

/** The same call over and over, on four connections. */
function calls(make: (target: Target, n: number) => Call): Attack {
  let n = 0
  return (target) =>
    onSockets(4, async () => {
      const connection = new Connection(target.url)
      for (;;) {
        const [method, path, body, token = target.token] = make(target, n++)
        await connection.request(method, path, token, body && JSON.stringify(body))
      }
    })
}

/** Begins anew what comes to an end, for the server may hang up. */
async function onSockets(count: number, task: () => Promise<void>): Promise<void> {
  const again = async () => {
    for (;;) {
      await task().catch(() => {})
      await sleep(10)
    }
  }
  await Promise.all(Array.from({ length: count }, again))
}

async function open(target: Target): Promise<Socket> {
  const { port, hostname } = new URL(target.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function sendBody(target: Target): Promise<void> {
  const socket = await open(target)
  socket.resume()
  socket.write(
    `PUT ${accountData(target)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${target.token}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  for (let sent = 0; sent < 50 * MEGABYTE && !socket.destroyed; sent += CHUNK.length) {
    if (!socket.write(CHUNK)) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
  socket.destroy()
}

const pageFilter = (n: number) => encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 100, not_types: [`${n}`] } } }))

/** Sends as many as a page holds, and asks for them again and again, each time by another filter. */
async function readLongMessages(target: Target): Promise<void> {
  const { url, token } = target
  const connection = new Connection(url)
  const ask = async (method: string, path: string, body?: object) =>
    JSON.parse(String((await connection.request(method, `/_matrix/client/v3/${path}`, token, body && JSON.stringify(body))).body))
  const { room_id: roomId } = await ask('POST', 'createRoom', {})
  const { next_batch: since } = await ask('GET', 'sync?timeout=0')
  for (let n = 0; n < 100; n++)
    await ask('PUT', `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${n}`, { body: `${n}${'x'.repeat(60_000)}` })
  await calls((_, n) => ['GET', `/_matrix/client/v3/sync?since=${since}&filter=${pageFilter(n)}`])(target)
}

async function comeAndGo({ url, token }: Target): Promise<void> {
  const path = `${url.replace('http', 'ws')}/_matrix/client/unstable/chat.causeway/sync`
  const socket = new WebSocket(path, { protocols: ['chat.causeway.sync.v1'], headers: { Authorization: `Bearer ${token}` } })
  // The next one of the device takes over.
  await Promise.race([once(socket, 'message'), once(socket, 'close')])
  socket.close()
}

async function dribble(target: Target): Promise<void> {
  const socket = await open(target)
  socket.write('GET /_matrix/client/versions HTTP/1.1\r\nX-Slow: ')
  for (; !socket.destroyed; await sleep(1000)) socket.write('x')
}

if (!isMainThread && parentPort) {
  const target: Target = workerData
  await ATTACKS[target.attack]?.(target)
}
