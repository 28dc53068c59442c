/**
 * The points of the Edwards curve whose order divides 8, as Ed25519 public keys: one signature made for such a key fits
 * every message, or every eighth. OpenSSL 3.0, that of Node 22, lets them pass; 3.5, that of Node 24, does not.
 * By their y coordinate, little-endian hex; those of p and p + 1 are second spellings of 0 and 1. The sign of x, the
 * highest bit, makes no difference here.
 */
const SMALL_ORDER = new Set([
  `00${'00'.repeat(31)}`, // order 4
  `01${'00'.repeat(31)}`, // order 1
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', // order 8
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', // order 8
  `ec${'ff'.repeat(30)}7f`, // order 2: p - 1
  `ed${'ff'.repeat(30)}7f`, // p
  `ee${'ff'.repeat(30)}7f`, // p + 1
])

/** Whether the 32 bytes of a public key are a point of small order. */
export function isSmallOrder(publicKey: Uint8Array): boolean {
  const y = Buffer.from(publicKey)
  y[31] = (y[31] ?? 0) & 0x7f
  return SMALL_ORDER.has(y.toString('hex'))
}
