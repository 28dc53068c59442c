/** The key with which the server signs events and requests. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { randomLetters } from '../core/random.ts'
import { type SigningKey, signingKeyFromSeed } from '../protocol/signing.ts'
import { formatSigningKeyFile, parseSigningKeyFile } from '../protocol/signing-key-file.ts'

/** The keys in the file, the first of which signs; a file that does not exist is made. Throws for one that holds no key. */
export function openSigningKeys(file: string): readonly [SigningKey, ...SigningKey[]] {
  if (!existsSync(file)) writeNewKey(file)
  const [first, ...others] = parseSigningKeyFile(readFileSync(file, 'utf8')).map(({ version, seed }) =>
    signingKeyFromSeed(version, seed),
  )
  if (first === undefined) throw new Error(`${file} holds no signing key`)
  return [first, ...others]
}

/** The text of a key file with one new key. */
export function newSigningKeyText(): string {
  return formatSigningKeyFile([{ version: `a_${randomLetters(4)}`, seed: randomBytes(32) }])
}

/** Under another name first: a crash never leaves half a key. */
function writeNewKey(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const unfinished = `${file}.${process.pid}.new`
  writeFileSync(unfinished, newSigningKeyText(), { mode: 0o600, flush: true })
  renameSync(unfinished, file)
}
