import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compileGlob } from '../../src/protocol/glob.ts'

const matchesGlob = (pattern: string, text: string): boolean => compileGlob(pattern)(text)

const cases: [pattern: string, text: string, matches: boolean][] = [
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'anything', true],
  ['?', '', false],
  ['?', 'a', true],
  ['?', 'ab', false],
  ['a*', 'a', true],
  ['a*', 'ba', false],
  ['*.evil.com', 'www.evil.com', true],
  ['*.evil.com', 'evil.com', false],
  ['*.evil.com', 'www.evil.com.org', false],
  ['a*b*c', 'aXXbXXbXc', true],
  ['a*b*c', 'aXXbXXbX', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['a**b', 'ab', true],
  ['*?', '', false],
  ['*?b', 'aab', true],
  ['[ab].+', 'a', false],
  ['[ab].+', '[ab].+', true],
  ['A', 'a', false],
  ['*', '*', true],
  ['?', '*', true],
  ['?', '😀', true],
  ['??', '😀', false],
  ['*??', '😀', false],
  ['*?b', '😀b', true],
  ['?', 'é', true],
]

for (const [pattern, text, matches] of cases) {
  test(`"${pattern}" ${matches ? 'matches' : 'does not match'} "${text}"`, () =>
    assert.equal(matchesGlob(pattern, text), matches))
}

/** The definition, spelt out: slow, but plainly right. */
function matchesByDefinition(pattern: string[], text: string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return text.length === 0
  if (first === '*') return matchesByDefinition(rest, text) || (text.length > 0 && matchesByDefinition(pattern, text.slice(1)))
  return text.length > 0 && (first === '?' || first === text[0]) && matchesByDefinition(rest, text.slice(1))
}

test('agrees with the definition', () => {
  const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?', '😀'), { maxLength: 8 })
  const text = fc.array(fc.constantFrom('a', 'b', '😀'), { maxLength: 10 })
  fc.assert(
    fc.property(pattern, text, (p, t) => assert.equal(matchesGlob(p.join(''), t.join('')), matchesByDefinition(p, t))),
    { numRuns: 2000 },
  )
})

test('a hostile pattern ends soon', () => {
  assert.ok(!matchesGlob(`*${'a'.repeat(50_000)}b*${'a'.repeat(50_000)}*`, 'a'.repeat(1_000_000)))
  assert.ok(!matchesGlob(`${'*a'.repeat(500)}*b`, 'a'.repeat(5000)))
})
