/** Words for full-text search, in scripts with and without spaces between them. */
import { invalidParam } from './errors.ts'

/** Scripts that are written without spaces: each of their characters counts as a word. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu
/** A look into the index for each: more of them would take long, and nothing but the very same text holds them all. */
const MAX_WANTED = 100
const WORD = /[\p{L}\p{N}\p{M}]+/gu

/** The words of a text, in lower case and in one form of those that Unicode has several of. */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().replaceAll(UNSPACED, ' $& ').match(WORD) ?? []
}

/** The words that somebody looks for, each once. Throws M_INVALID_PARAM where they are too many. */
export function wantedWords(term: string): string[] {
  const words = [...new Set(wordsOf(term))]
  if (words.length > MAX_WANTED) throw invalidParam(`search_term has more than ${MAX_WANTED} words`)
  return words
}

/** An FTS5 query for texts that hold all of the words; the last of them may be unfinished where `isPrefix` is set. */
export function matchAll(words: readonly string[], isPrefix: boolean): string {
  return words.map((word) => `"${word}"${isPrefix ? '*' : ''}`).join(' ')
}
