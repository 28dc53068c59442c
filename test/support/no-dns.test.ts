import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import test from 'node:test'
import './no-dns.ts'
import dns, { lookup } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { promisify } from 'node:util'

const NOT_FOUND = { code: 'ENOTFOUND', hostname: 'example.org' }

test('in tests no name exists but localhost, however it is asked for', async () => {
  await assert.rejects(promisify(lookup)('example.org'), NOT_FOUND)
  await assert.rejects(dns.promises.lookup('example.org'), NOT_FOUND)
  await assert.rejects(promisify(dns.resolve4)('example.org'), NOT_FOUND)
  await assert.rejects(dns.promises.resolve6('example.org'), NOT_FOUND)
  await assert.rejects(new Resolver().resolveSrv('example.org'), NOT_FOUND)
  await assert.rejects(once(connect(1, 'example.org'), 'connect'), NOT_FOUND)
})

test('what is on this machine is found', async () => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const host of ['localhost', '127.0.0.1']) await once(connect({ port, host }), 'connect')
  server.close()
})

test('a DNS server that a test runs is asked', async () => {
  const server = createSocket('udp4').bind(0, '127.0.0.1')
  await once(server, 'listening')
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${server.address().port}`])
  const asked = once(server, 'message').then(() => resolver.cancel())
  await assert.rejects(resolver.resolve4('example.org'), { code: 'ECANCELLED' })
  await asked
  server.close()
})
