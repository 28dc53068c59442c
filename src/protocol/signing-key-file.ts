/**
 * The text format in which servers of the Synapse line keep their signing keys, one key a line:
 * `ed25519 a_abcd <unpadded base64 of the seed>`.
 */
import { decodeBase64, encodeBase64 } from './base64.ts'

const ALGORITHM = 'ed25519'
const SEED_BYTES = 32
/** The characters of a key version that other servers can read. */
const VERSION = /^[A-Za-z0-9_]+$/

export interface SigningKeySeed {
  /** The part of the key id behind `ed25519:`. */
  readonly version: string
  /** 32 bytes. */
  readonly seed: Uint8Array
}

/**
 * Reads the keys of a file, the first one being that which signs.
 * @throws {Error} naming the line that is no key (never its text, which may be a secret), or that there is none
 */
export function parseSigningKeyFile(text: string): SigningKeySeed[] {
  const keys = text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line.trim(), index + 1)]))
  if (keys.length === 0) throw new Error('The signing key file holds no key')
  return keys
}

function parseLine(line: string, number: number): SigningKeySeed {
  const [algorithm, version = '', base64 = '', ...rest] = line.split(/\s+/)
  const seed = decodeBase64(base64, SEED_BYTES)
  if (algorithm !== ALGORITHM || !VERSION.test(version) || seed === undefined || rest.length > 0) {
    throw new Error(`Line ${number} of the signing key file is not "${ALGORITHM} <version> <base64 of ${SEED_BYTES} bytes>"`)
  }
  return { version, seed }
}

export function formatSigningKeyFile(keys: readonly SigningKeySeed[]): string {
  return keys.map(({ version, seed }) => `${ALGORITHM} ${version} ${encodeBase64(seed)}\n`).join('')
}
