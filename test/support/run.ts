/**
 * Runs the test files, or those whose path contains one of the given words, and ends with `N passed, N failed`.
 * A process a file keeps one file's crash from the others; one at a time for each core costs little more than none.
 */
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const TIMEOUT_MS = 120_000
const words = process.argv.slice(2)
const files = globSync('test/**/*.test.ts').filter((file) => words.length === 0 || words.some((word) => file.includes(word)))

const counts = { passed: 0, failed: 0 }
// For the processes that tests start too.
process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --import=${new URL('no-dns.ts', import.meta.url).href}`.trim()
const results = run({ files: files.sort(), concurrency: availableParallelism(), timeout: TIMEOUT_MS })
for (const [event, outcome] of [
  ['test:pass', 'passed'],
  ['test:fail', 'failed'],
] as const) {
  results.on(event, (test) => {
    if (test.details.type !== 'suite' && test.skip === undefined && test.todo === undefined) counts[outcome]++
  })
}
results.compose(spec).pipe(process.stdout)
results.once('end', () => {
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0
})
process.once('beforeExit', () => process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`))
