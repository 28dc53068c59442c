import { type KeyObject, verify } from 'node:crypto'
import { Limiter } from '../core/limiter.ts'

/**
 * A check on the event loop would stop it for 105 us, one in libuv's thread pool costs it 8 to 25
 * (docs/adr/0010-signature-checks.md). The pool also reads files and looks up names: those who come with thousands of
 * signatures must leave it gaps.
 */
const CHECKS_AT_ONCE = 16

export class SignatureChecks {
  readonly #limiter = new Limiter(CHECKS_AT_ONCE)

  /** Whether `signature` (64 bytes) of `message` (text stands for its UTF-8 bytes) is by the owner of an Ed25519 key. */
  isValid(message: string, key: KeyObject, signature: Uint8Array): Promise<boolean> {
    return this.#limiter.run(
      () =>
        new Promise((resolve, reject) => {
          verify(null, Buffer.from(message), key, signature, (error, valid) => (error ? reject(error) : resolve(valid)))
        }),
    )
  }
}
