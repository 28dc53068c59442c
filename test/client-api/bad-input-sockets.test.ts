/** Clients that send too much, too slowly or not to the end: others are served none the less. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { changingNothing, startWorld, type World } from '../support/hostile.ts'

let world: World

before(async () => {
  world = await startWorld()
})
after(() => world[Symbol.asyncDispose]())

const MEGABYTE = 1024 * 1024

async function open(): Promise<Socket> {
  const socket = connect(Number(new URL(world.hs.url).port), '127.0.0.1')
  // The server may hang up in the middle of what is sent.
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** The beginning of a request to set account data. */
const head = (...headers: string[]): string =>
  [
    `PUT /_matrix/client/v3/user/${world.alice.id}/account_data/org.example.hostile HTTP/1.1`,
    'Host: test.example',
    `Authorization: Bearer ${world.alice.token}`,
    ...headers,
    '\r\n',
  ].join('\r\n')

/** All that comes back until the server hangs up, or until a whole answer is there. */
async function answerOn(socket: Socket): Promise<string> {
  let text = ''
  try {
    for await (const chunk of socket) {
      text += String(chunk)
      if (text.includes('\r\n\r\n') && text.endsWith('}')) break
    }
  } catch {
    // It has hung up without reading all; what it has said before counts.
  }
  return text
}

const isTooLarge = (answer: string) => answer.startsWith('HTTP/1.1 413 ') && answer.includes('"M_TOO_LARGE"')

test('a body of 50 MB that says so is refused before it is sent', async () => {
  await changingNothing(world, async () => {
    const socket = await open()
    socket.write(head(`Content-Length: ${50 * MEGABYTE}`))
    assert.ok(isTooLarge(await answerOn(socket)))
    socket.destroy()
  })
})

test('a body of 50 MB in pieces is refused long before its end', async () => {
  await changingNothing(world, async () => {
    const socket = await open()
    const answer = answerOn(socket)
    const piece = `${MEGABYTE.toString(16)}\r\n${'x'.repeat(MEGABYTE)}\r\n`
    socket.write(head('Transfer-Encoding: chunked'))
    let sent = 0
    for (; sent < 50 && !socket.destroyed && socket.writable; sent++)
      if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close'), answer])
    assert.ok(isTooLarge(await answer))
    socket.destroy()
  })
})

test('a body that is shorter than it should be changes nothing', async () => {
  await changingNothing(world, async () => {
    const socket = await open()
    socket.end(`${head('Content-Length: 100')}{"half":`)
    await answerOn(socket)
    assert.ok(!socket.readable)
  })
})

test('clients that send a byte now and then do not keep others waiting', async () => {
  const { alice, bob } = world
  const slow = await Promise.all(Array.from({ length: 200 }, open))
  await changingNothing(world, async () => {
    for (const [i, socket] of slow.entries())
      socket.write(i % 2 === 0 ? 'PUT /_matrix/client/v3/us' : `${head('Content-Length: 20')}{"a"`)
    const answers = await Promise.all(Array.from({ length: 20 }, () => bob.ok('GET', 'account/whoami')))
    assert.ok(answers.every((answer) => answer['user_id'] === bob.id))
    for (const socket of slow) socket.write('x')
    await bob.ok('GET', 'sync')
  })
  for (const socket of slow) socket.destroy()
  await alice.ok('GET', 'account/whoami')
})

test('requests that are no HTTP, or two at once, are answered with 400 or not at all', async () => {
  const nonsense = [
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    head('Content-Length: 2', 'Content-Length: 3') + '{}',
    head('Content-Length: 2', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    head('Content-Length: -1') + '{}',
    head('Content-Length: 1e3') + '{}',
    head('Transfer-Encoding: chunked') + 'zz\r\n{}\r\n0\r\n\r\n',
  ]
  await changingNothing(world, async () => {
    for (const text of nonsense) {
      const socket = await open()
      socket.write(text)
      assert.match(await answerOn(socket), /^(HTTP\/1\.1 (400|431) .*)?$/s, JSON.stringify(text.slice(0, 200)))
      socket.destroy()
    }
  })
})
