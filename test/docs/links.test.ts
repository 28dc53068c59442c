/** The project's papers point to files and npm scripts that exist. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const papers = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT })

test('links between the papers lead somewhere', () => {
  const broken = papers.flatMap((paper) => {
    const links = [...readFileSync(join(ROOT, paper), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(
      ([, link]) => link ?? '',
    )
    return links.filter((link) => !existsSync(join(ROOT, dirname(paper), link))).map((link) => `${paper}: ${link}`)
  })
  assert.deepEqual(broken, [])
})

test('the npm scripts that they name exist', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const named = papers.flatMap((paper) =>
    [...readFileSync(join(ROOT, paper), 'utf8').matchAll(/npm run ([a-z][a-z:]*)/g)].map(([, name]) => name ?? ''),
  )
  assert.ok(named.length > 0)
  assert.deepEqual(
    named.filter((name) => scripts[name] === undefined),
    [],
  )
})
