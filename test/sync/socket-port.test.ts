/** What a socket does to a client that does not listen: over a connection of which the test decides what it takes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DeviceId, UserId } from '../../schemas/ids.ts'
import { unknownToken } from '../../src/core/errors.ts'
import type { WebSocketPort } from '../../src/http/web-socket.ts'
import { textFrame } from '../../src/http/web-socket.ts'
import { encodeToken } from '../../src/streams/position.ts'
import { FilterCompiler } from '../../src/sync/filter.ts'
import { MAX_UNACKNOWLEDGED, SyncSocket, type SyncSocketParts } from '../../src/sync/socket.ts'
import { recordingLog } from '../http/support.ts'

class TestPort implements WebSocketPort {
  isFull = false
  sentBytes = 0
  readonly sent: Buffer[] = []
  readonly said: string[] = []

  send = (frame: Buffer) => void this.sent.push(frame)
  ping = () => void this.said.push('ping')
  close = (code: number) => void this.said.push(`close ${code}`)
  terminate = () => void this.said.push('terminate')
}

/** A socket at which something new has happened whenever it asks. */
async function openOver(port: TestPort) {
  let position = 0
  let due = 0
  const state = { token: 'good' }
  const { log, lines } = recordingLog()
  const request = {
    reader: { userNid: 1, userId: '@alice:test' as UserId, deviceNid: 1 },
    filter: new FilterCompiler().compile('{}'),
    since: undefined,
    fullState: false,
    stateMember: 'state',
    timeoutMs: 0,
    setPresence: 'online',
  } as const
  const parts = {
    sync: {
      begin: async () => {},
      answer: async () => ({ upTo: ++position, isEmpty: false, texts: ['{}'] }),
    },
    notifier: { follow: async () => ({ add() {}, remove() {} }) },
    liveAnswers: { reader: async () => undefined },
    frameOf: textFrame,
    log,
  } as unknown as SyncSocketParts
  const authenticateAgain = async () => {
    if (state.token !== 'good') throw unknownToken('The access token has expired', { soft_logout: true })
  }
  const session = { request, authenticateAgain, address: '192.0.2.1', deviceId: 'ALICE' as DeviceId }
  const socket = new SyncSocket(session, port, { due: () => due++, closed: () => {} }, parts)
  await socket.begin()
  return { socket, state, lines, due: () => due }
}

describe('a client', () => {
  test('that takes nothing is sent nothing until it does', async () => {
    const port = new TestPort()
    const { socket, due } = await openOver(port)
    port.isFull = true
    for (let n = 0; n < 10; n++) await socket.catchUp()
    assert.deepEqual([port.sent.length, due()], [1, 0])
    port.isFull = false
    socket.drained()
    assert.equal(due(), 1)
    await socket.catchUp()
    assert.equal(port.sent.length, 2)
  })

  test('that answers no ping and takes nothing is hung up on at the second look', async () => {
    const port = new TestPort()
    const { socket } = await openOver(port)
    await socket.check()
    await socket.check()
    assert.deepEqual(port.said, ['ping', 'terminate'])
  })

  test('that takes a long answer slowly is waited for', async () => {
    const port = new TestPort()
    const { socket } = await openOver(port)
    for (let look = 0; look < 5; look++) {
      await socket.check()
      port.sentBytes += 100
    }
    assert.deepEqual(port.said, ['ping', 'ping', 'ping', 'ping', 'ping'])
  })

  test('that acknowledges nothing for long is hung up on', async () => {
    const port = new TestPort()
    const { socket } = await openOver(port)
    for (let n = 0; n < MAX_UNACKNOWLEDGED + 10; n++) await socket.catchUp()
    assert.equal(port.sent.length, MAX_UNACKNOWLEDGED)
    for (let look = 0; look < 2; look++) {
      socket.beat()
      await socket.check()
    }
    assert.deepEqual(port.said, ['ping', 'close 4408'])
  })

  test('that acknowledges some of many answers is given as many more', async () => {
    const port = new TestPort()
    const { socket } = await openOver(port)
    for (let n = 0; n < MAX_UNACKNOWLEDGED; n++) await socket.catchUp()
    socket.said(JSON.stringify({ ack: encodeToken(10) }))
    for (let n = 0; n < MAX_UNACKNOWLEDGED; n++) await socket.catchUp()
    assert.equal(port.sent.length, MAX_UNACKNOWLEDGED + 10)
    assert.deepEqual(port.said, [])
  })

  test('whose token expires is told within one interval', async () => {
    const port = new TestPort()
    const { socket, state } = await openOver(port)
    state.token = 'expired'
    await socket.check()
    assert.deepEqual(port.said, ['ping', 'close 4401'])
  })
})

type Opened = Awaited<ReturnType<typeof openOver>>

const ends = (name: string, code: number, reason: string, end: (opened: Opened) => unknown) =>
  test(name, async () => {
    const port = new TestPort()
    const opened = await openOver(port)
    port.sentBytes = 100
    await end(opened)
    opened.socket.closed(1006, '')
    const [line, another] = opened.lines
    const { seconds, ...fields } = line?.fields ?? {}
    assert.equal(typeof seconds, 'number')
    const common = { user: '@alice:test', device: 'ALICE', address: '192.0.2.1', answers: 1, unacknowledged: 1, bytes: 100 }
    assert.deepEqual([fields, another], [{ ...common, code, reason }, undefined])
  })

describe('the end of a socket is logged once', () => {
  ends('where the client goes', 1001, 'bye', ({ socket }) => socket.closed(1001, 'bye'))
  ends('where its token has ended', 4401, 'M_UNKNOWN_TOKEN soft_logout', ({ socket, state }) => {
    state.token = 'expired'
    return socket.checkToken()
  })
  ends('where nobody is there any more', 1006, 'It answered no ping', async ({ socket }) => {
    for (let look = 0; look < 2; look++) await socket.check()
  })
})
