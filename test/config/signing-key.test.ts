import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { openSigningKeys } from '../../src/config/signing-key.ts'

const newFile = () => join(mkdtempSync(join(tmpdir(), 'causeway-key-')), 'data', 'signing.key')

test('the first start makes a key that only its owner can read, the next start reads the same', () => {
  const file = newFile()
  const [made] = openSigningKeys(file)
  assert.match(made?.keyId ?? '', /^ed25519:a_[A-Za-z]{4}$/)
  assert.match(readFileSync(file, 'utf8'), /^ed25519 a_[A-Za-z]{4} [A-Za-z0-9+/]{43}\n$/)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(dirname(file)), ['signing.key'])
  const [read] = openSigningKeys(file)
  assert.equal(read?.publicKey, made?.publicKey)
})

test('a file without a key is an error and stays as it is', () => {
  const file = newFile()
  openSigningKeys(file)
  writeFileSync(file, 'rubbish')
  assert.throws(() => openSigningKeys(file), /signing key file/)
  assert.equal(readFileSync(file, 'utf8'), 'rubbish')
})
