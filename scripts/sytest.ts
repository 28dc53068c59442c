/**
 * Compares a run of SyTest with the names that are known to pass (test/conformance/sytest.txt):
 *   SYTEST_DIR=… CAUSEWAY_DIR=. ../shared/conformance/sytest/run-sytest.sh -O tap --exclude-deprecated > run.tap
 *   node scripts/sytest.ts run.tap            fails when a name of the list did not pass
 *   node scripts/sytest.ts run.tap --write    makes what passed the new list
 */
import { readFileSync, writeFileSync } from 'node:fs'

const LIST = new URL('../test/conformance/sytest.txt', import.meta.url)
const RESULT = /^(ok|not ok) \d+ (.*?)(?: # (skip|TODO).*)?$/i

/** The names that passed in TAP output; a skipped test has not passed. */
export function passedIn(tap: string): Set<string> {
  const passed = new Set<string>()
  const failed = new Set<string>()
  for (const line of tap.split('\n')) {
    const [, result, name, directive] = RESULT.exec(line) ?? []
    if (name === undefined || directive?.toLowerCase() === 'skip') continue
    if (result === 'ok') passed.add(name.trim())
    else failed.add(name.trim())
  }
  // Some names are of several tests: all of them have to pass.
  return passed.difference(failed)
}

function main([file, option]: string[]): number {
  if (file === undefined) {
    process.stderr.write('usage: node scripts/sytest.ts RUN.tap [--write]\n')
    return 2
  }
  const passed = passedIn(readFileSync(file, 'utf8'))
  if (option === '--write') {
    writeFileSync(LIST, `${[...passed].sort().join('\n')}\n`)
    process.stdout.write(`${passed.size} names written\n`)
    return 0
  }
  const known = new Set(readFileSync(LIST, 'utf8').split('\n').filter(Boolean))
  const lost = [...known.difference(passed)]
  const won = [...passed.difference(known)]
  for (const name of lost) process.stdout.write(`- ${name}\n`)
  for (const name of won) process.stdout.write(`+ ${name}\n`)
  process.stdout.write(`${passed.size} passed, ${lost.length} of the list did not, ${won.length} are new\n`)
  return lost.length === 0 ? 0 : 1
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
