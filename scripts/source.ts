/** Looks at source text without a parser: enough for import statements and the lengths of functions. */

export interface FunctionSize {
  readonly name: string
  /** Line of its first word, from 1. */
  readonly line: number
  /** From the first word to the closing brace. */
  readonly lines: number
}

/** The text with comments and the insides of strings, templates and regular expressions blanked; lines stay as they are. */
export function withoutStrings(source: string): string {
  const literal =
    /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[^])*`|(?<=(?:^|[=(,:[!&|?{};+]|=>|return)\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/gm
  return source.replace(literal, (text) => text.replace(/[^\n]/g, ' '))
}

/** Every function with a body in braces, innermost ones too. */
export function functionSizes(source: string): FunctionSize[] {
  const text = withoutStrings(source)
  const found: FunctionSize[] = []
  const open: { header: string; start: number; isBlock: boolean }[] = []
  // Where the statement or member began that the next brace may belong to, at each depth.
  const starts = [0]
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{') {
      const start = starts.at(-1) ?? 0
      const header = text.slice(start, at)
      open.push({ header, start, isBlock: !isLiteral(header) })
      starts.push(at + 1)
    } else if (character === '}') {
      starts.pop()
      const block = open.pop()
      if (block === undefined) continue
      const name = block.isBlock ? functionName(block.header) : undefined
      if (name !== undefined) found.push(sizeOf(text, name, block.start, at))
      if (block.isBlock) starts[starts.length - 1] = at + 1
    } else if (character === ';' || (character === '\n' && isEndOfStatement(text, at))) {
      starts[starts.length - 1] = at + 1
    }
  }
  return found
}

function sizeOf(text: string, name: string, start: number, end: number): FunctionSize {
  const first = start + (text.slice(start).search(/[^\s,]/) || 0)
  const line = text.slice(0, first).split('\n').length
  return { name, line, lines: text.slice(first, end).split('\n').length }
}

/** A brace that opens an object, a type or a destructuring pattern: behind an operator, or inside parentheses. */
function isLiteral(header: string): boolean {
  if (/=>\s*$/.test(header)) return false
  return /(?:[=(,:<|&[?]|\breturn|\bextends|\bimport|\bexport|\btype)\s*$/.test(header) || parenthesesIn(header) > 0
}

const parenthesesIn = (text: string): number => text.split('(').length - text.split(')').length

const CONTROL =
  /^\s*(?:\}\s*)?(?:if|else|for|while|do|switch|case|default|try|catch|finally|class|abstract|interface|export (?:class|interface|abstract)|static)\b/

function functionName(header: string): string | undefined {
  const named = /\bfunction\*?\s+([\w$]+)/.exec(header) ?? /(?:const|let)\s+([\w$]+)[^]*=>\s*$/.exec(header)
  if (named !== null) return named[1]
  if (/=>\s*$/.test(header)) return /([\w$#]+)\s*[:(=][^]*=>\s*$/.exec(header)?.[1] ?? 'arrow function'
  if (CONTROL.test(header)) return undefined
  return /(?:^|[\s*,])([#\w$[\].]+)\s*(?:<[^]*>)?\([^]*\)[^]*$/.exec(header)?.[1]
}

/** Without semicolons, a line ends a statement unless it or the next one visibly goes on. */
function isEndOfStatement(text: string, at: number): boolean {
  const before =
    text
      .slice(Math.max(0, at - 40), at)
      .trimEnd()
      .at(-1) ?? ''
  const after = text.slice(at, at + 200).trimStart()[0] ?? ''
  return !'=(,:<|&[?+-*/>{'.includes(before) && !'.?:|&)]}=<>+*/,'.includes(after)
}

/** What a module imports, types included, as written. */
export function importsOf(source: string): string[] {
  const imports = /(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s+'([^']+)'|(?:^|\n)import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g
  return [...source.matchAll(imports)].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
}
