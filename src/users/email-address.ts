import { invalidParam } from '../core/errors.ts'

/** What every mail server can be asked to deliver to: no white space, no brackets, one `@`. */
const ADDRESS = /^[^\s@<>()[\]\\,;:"]{1,64}@[^\s@<>()[\]\\,;:"]{1,255}$/

/** E-mail addresses are compared, and written to, without regard to case. https://spec.matrix.org/v1.19/appendices/#e-mail */
export function canonicalEmail(address: string): string {
  return caseFolded(address.trim())
}

/** Unicode's full case folding, letter by letter: `ß` and `ẞ` are `ss`, and all forms of sigma are one. */
function caseFolded(text: string): string {
  let folded = ''
  // The dotless i folds to itself, but its capital is that of the other i.
  for (const letter of text) folded += letter === 'ı' ? letter : letter.toLowerCase().toUpperCase().toLowerCase()
  return folded
}

export const isEmail = (address: string): boolean => ADDRESS.test(canonicalEmail(address))

/** The canonical form of an address to write to. Throws M_INVALID_PARAM. */
export function usableEmail(address: string): string {
  if (!isEmail(address)) throw invalidParam('That is not an e-mail address')
  return canonicalEmail(address)
}
