/** https://spec.matrix.org/v1.19/appendices/#unpadded-base64 */

const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/

/** Standard base64 without padding, as keys, signatures and hashes are written. */
export function encodeBase64(bytes: Uint8Array): string {
  return withoutPadding(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'))
}

/** Base64 text without the `=` at its end. */
export function withoutPadding(base64: string): string {
  let end = base64.length
  while (base64[end - 1] === '=') end--
  return base64.slice(0, end)
}

/**
 * The bytes of standard base64, or undefined for text that is not base64 or not of `length` bytes.
 * When decoding Base64, implementations SHOULD accept input with or without padding characters.
 */
export function decodeBase64(text: string, length: number): Buffer | undefined {
  const bytes = STANDARD.test(text) ? Buffer.from(text, 'base64') : undefined
  return bytes?.length === length ? bytes : undefined
}
