import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ServerName } from '../../schemas/ids.ts'
import { Database } from '../../src/storage/database.ts'
import { ServerKeys, type StoredKey } from '../../src/storage/server-keys.ts'

const [one, two, three] = ['one.test', 'two.test', 'three.test'].map((name) => name as ServerName) as [
  ServerName,
  ServerName,
  ServerName,
]
const key = (server: ServerName, keyId: string, more: Partial<StoredKey> = {}): StoredKey => ({
  server,
  keyId,
  publicKey: 'Noi6WqcDj0QmPxCNQqgezwTlBKrfqehY1u2FyWP9uYw',
  validUntilTs: 1_700_000_000_000,
  expired: false,
  fetchedTs: 1_699_999_999_999,
  response: '{"server_name":"é"}',
  ...more,
})

test('keys are kept by server and key ID, replaced, forgotten, and read as sets', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  try {
    await using db = new Database({ path: join(folder, 'test.db'), synchronous: 'OFF' })
    const keys = new ServerKeys(db)
    const old = key(one, 'ed25519:old', { expired: true, response: '' })
    await keys.change({ put: [key(one, 'ed25519:1'), old, key(two, 'ed25519:1'), key(three, 'ed25519:1')], forget: [] })
    assert.deepEqual(await keys.keysOf([one, two]), [key(one, 'ed25519:1'), old, key(two, 'ed25519:1')])
    const renewed = key(one, 'ed25519:1', { validUntilTs: Number.MAX_SAFE_INTEGER })
    await keys.change({ put: [renewed], forget: [old] })
    assert.deepEqual(await keys.keysOf([one]), [renewed])
    assert.deepEqual(await keys.keysOf([]), [])
  } finally {
    await rm(folder, { recursive: true })
  }
})
