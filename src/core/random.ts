/** Opaque ids and secrets. Chance is injected like time: tests pass a seeded one where it matters. */
import { randomBytes, randomInt } from 'node:crypto'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** `length` random letters: room ids, device ids, transaction ids. */
export function randomLetters(length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += LETTERS[randomInt(LETTERS.length)]
  return text
}

/** An unguessable token of `bytes` random bytes as unpadded url-safe base64. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}
