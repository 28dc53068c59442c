/** https://spec.matrix.org/v1.19/appendices/#glob-style-matching */

/**
 * Whether all of `text` matches a pattern in which `*` stands for zero or more characters and `?` for exactly one.
 * Upper and lower case differ. Takes at most (length of the pattern) × (length of the text) steps: only the last `*`
 * is ever widened, since an earlier one gains nothing from it.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let widenedTo = 0
  while (t < text.length) {
    const wanted = pattern[p]
    if (wanted === '*') {
      star = p++
      widenedTo = t
    } else if (wanted === '?') {
      p++
      t += characterLength(text, t)
    } else if (wanted === text[t]) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++widenedTo
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** A character beyond U+FFFF takes two UTF-16 units. */
function characterLength(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1
}

/** A list of patterns made ready for many questions. Most entries of long lists are plain text, which needs no walk. */
export class GlobList {
  readonly #texts: ReadonlySet<string>
  readonly #globs: readonly string[]

  constructor(patterns: readonly string[]) {
    this.#texts = new Set(patterns.filter((pattern) => !isGlob(pattern)))
    this.#globs = patterns.filter(isGlob)
  }

  /** Whether one of the patterns matches all of `text`. */
  matches(text: string): boolean {
    return this.#texts.has(text) || this.#globs.some((glob) => matchesGlob(glob, text))
  }
}

function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}
