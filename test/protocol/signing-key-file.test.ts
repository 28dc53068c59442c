import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { encodeBase64 } from '../../src/protocol/base64.ts'
import { formatSigningKeyFile, parseSigningKeyFile } from '../../src/protocol/signing-key-file.ts'

const seed = Buffer.from('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1', 'base64')

suite('signing key file', () => {
  const text = `ed25519 a_abcd ${encodeBase64(seed)}\n`
  test('is read and written as other servers do', () => {
    assert.deepEqual(parseSigningKeyFile(text), [{ version: 'a_abcd', seed }])
    assert.equal(formatSigningKeyFile([{ version: 'a_abcd', seed }]), text)
  })
  test('may hold several keys and empty lines', () => {
    assert.deepEqual(
      parseSigningKeyFile(`\n${text}\r\n  ed25519  b  ${encodeBase64(Buffer.alloc(32))}=  \n`).map(({ version }) => version),
      ['a_abcd', 'b'],
    )
  })
  test('a line that is no key is named by its number, without its text', () => {
    for (const line of [
      'ed25519 a',
      'rsa a xyz',
      `ed25519 a:b ${encodeBase64(seed)}`,
      `ed25519 a ${encodeBase64(seed).slice(2)}`,
      `${text.trim()} more`,
    ]) {
      assert.throws(
        () => parseSigningKeyFile(`${text}${line}`),
        (error: Error) => error.message.startsWith('Line 2 ') && !error.message.includes('xyz'),
      )
    }
    assert.throws(() => parseSigningKeyFile('\n'), /holds no key/)
  })
})
