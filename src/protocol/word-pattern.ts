/**
 * Patterns that are looked for in the text of a message, between word boundaries.
 * https://spec.matrix.org/v1.19/client-server-api/#conditions
 *
 * Users write the patterns and others the texts, so that the time it takes must not explode as that of a regular
 * expression with several `*` can: it is the length of the pattern times that of the text at most.
 */

/** A stretch of a text: from `start` to just before `end`. */
interface Hit {
  readonly start: number
  readonly end: number
}

/** Finds a piece of a pattern, one without `*`, in a text: the first place that is not before `from`. */
type Piece = (text: string, from: number) => Hit | undefined

/**
 * Compiles a glob: `*` is any number of characters, `?` exactly one. The result tells whether any part of a text
 * matches that starts and ends at a word boundary. Neither changes case: whoever wants to ignore it folds both.
 */
export function wordPattern(pattern: string): (text: string) => boolean {
  const [first = literal(''), ...others] = pattern.split('*').map(pieceOf)
  const last = others.pop()
  if (last === undefined) return (text) => hasWords(text, first)
  return (text) => {
    // The earliest place is the best for every piece but the last: it leaves most of the text to those that follow.
    let hit = find(first, text, 0, ({ start }) => isBoundary(text, start))
    for (const piece of others) hit &&= piece(text, hit.end)
    return hit !== undefined && find(last, text, hit.end, ({ end }) => isBoundary(text, end)) !== undefined
  }
}

/** Whether a text holds these words, as they are, between word boundaries. */
export function containsWords(text: string, words: string): boolean {
  return words !== '' && hasWords(text, literal(words))
}

function hasWords(text: string, piece: Piece): boolean {
  return find(piece, text, 0, ({ start, end }) => isBoundary(text, start) && isBoundary(text, end)) !== undefined
}

function find(piece: Piece, text: string, from: number, fits: (hit: Hit) => boolean): Hit | undefined {
  let hit = piece(text, from)
  while (hit !== undefined && !fits(hit)) hit = piece(text, hit.start + 1)
  return hit
}

function pieceOf(glob: string): Piece {
  if (!glob.includes('?')) return literal(glob)
  const characters = Array.from(glob)
  return (text, from) => {
    for (let start = from; start < text.length; start++) {
      const end = endOf(characters, text, start)
      if (end !== undefined) return { start, end }
    }
    return undefined
  }
}

function endOf(characters: readonly string[], text: string, start: number): number | undefined {
  let at = start
  for (const character of characters) {
    const found = text.codePointAt(at)
    if (found === undefined || (character !== '?' && character.codePointAt(0) !== found)) return undefined
    at += found > 0xffff ? 2 : 1
  }
  return at
}

function literal(words: string): Piece {
  return (text, from) => {
    const start = from > text.length ? -1 : text.indexOf(words, from)
    return start < 0 ? undefined : { start, end: start + words.length }
  }
}

/** The start or end of the value, or beside any character not in the sets [A-Z], [a-z], [0-9] or _. */
function isBoundary(text: string, at: number): boolean {
  return !isWordCharacter(text.charCodeAt(at - 1)) || !isWordCharacter(text.charCodeAt(at))
}

function isWordCharacter(unit: number): boolean {
  return (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95 || (unit >= 97 && unit <= 122)
}
