/** Answers every request with an empty JSON object, after it has written a frame as long as a message's to all who have asked for an upgrade. */
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { textFrame } from '../src/http/web-socket.ts'

const FRAME = textFrame(`{"next_batch":"s1","rooms":"${'x'.repeat(1_000)}"}`)
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'

const sockets: Duplex[] = []
const server = createServer((_request, response) => {
  for (const socket of sockets) socket.write(FRAME)
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '2' }).end('{}')
})
server.on('upgrade', (_request, socket) => {
  sockets.push(socket.on('error', () => undefined).resume())
  socket.write(SWITCH)
  socket.write(FRAME)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`)
})
