/** https://spec.matrix.org/v1.19/appendices/#glob-style-matching */

/**
 * Makes a pattern ready, in which `*` stands for zero or more characters and `?` for exactly one: the result tells whether it
 * matches all of a text. Upper and lower case differ. That takes about as many steps as the text is long, but for patterns with
 * `?`: (length of the pattern) × (length of the text) at most.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  return pattern.includes('?') ? (text) => matchesStepwise(pattern, text) : compileWildcards(pattern)
}

/** As `compileGlob`, where `?` stands for nothing but itself. */
export function compileWildcards(pattern: string): (text: string) => boolean {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return (text) => text === first
  return (text) => {
    if (!text.startsWith(first)) return false
    // The earliest place is the best for every piece: it leaves most of the text to those that follow.
    let end = first.length
    for (const piece of others) {
      const start = text.indexOf(piece, end)
      if (start < 0) return false
      end = start + piece.length
    }
    return text.length - last.length >= end && text.endsWith(last)
  }
}

/** Only the last `*` is ever widened, since an earlier one gains nothing from it. */
function matchesStepwise(pattern: string, text: string): boolean {
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
  readonly #globs: readonly ((text: string) => boolean)[]

  constructor(patterns: readonly string[]) {
    this.#texts = new Set(patterns.filter((pattern) => !isGlob(pattern)))
    this.#globs = patterns.filter(isGlob).map(compileGlob)
  }

  /** Whether one of the patterns matches all of `text`. */
  matches(text: string): boolean {
    return this.#texts.has(text) || this.#globs.some((matches) => matches(text))
  }
}

function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}
