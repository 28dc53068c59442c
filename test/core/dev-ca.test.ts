import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { createDevCa } from '../../src/core/dev-ca.ts'

test('a certificate of the development authority is accepted for its names, and for no other', async () => {
  const authority = await createDevCa()
  const { certificatePem, keyPem } = await authority.issue(['hs1.test', '127.0.0.1', '::1'])
  const server = createServer({ cert: certificatePem, key: keyPem })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const handshake = async (options: ConnectionOptions) => {
    const socket = connect({ host: '127.0.0.1', port, ca: authority.certificatePem, ...options })
    try {
      await once(socket, 'secureConnect')
    } finally {
      socket.destroy()
    }
  }
  try {
    await handshake({ servername: 'hs1.test' })
    await handshake({ servername: '' })
    await assert.rejects(handshake({ servername: 'hs2.test' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    const stranger = await createDevCa()
    await assert.rejects(handshake({ servername: 'hs1.test', ca: stranger.certificatePem }))
  } finally {
    server.close()
  }
})
