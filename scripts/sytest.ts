/**
 * Compares a run of SyTest with the names that are known to pass (test/conformance/sytest.txt), and with those that are not
 * to pass (test/conformance/sytest-not.txt, with the reasons):
 *   CAUSEWAY_DEPRECATED__ADD_3PID_WITHOUT_AUTHENTICATION=true SYTEST_DIR=… CAUSEWAY_DIR=. \
 *     ../shared/conformance/sytest/run-sytest.sh -O tap --exclude-deprecated > run.tap
 *   node scripts/sytest.ts run.tap            fails when a name did not pass that should have, or of which neither list knows
 *   node scripts/sytest.ts run.tap --write    makes what passed the new list
 */
import { readFileSync, writeFileSync } from 'node:fs'

const LIST = new URL('../test/conformance/sytest.txt', import.meta.url)
const EXCUSES = new URL('../test/conformance/sytest-not.txt', import.meta.url)
const RESULT = /^(ok|not ok) \d+ (.*?)(?: # (skip|TODO).*)?$/i

/** The names of a run. */
export interface Run {
  readonly passed: ReadonlySet<string>
  /** Or skipped. */
  readonly failed: ReadonlySet<string>
}

/** The results in TAP output; a skipped test has not passed. */
export function runOf(tap: string): Run {
  const passed = new Set<string>()
  const failed = new Set<string>()
  for (const line of tap.split('\n')) {
    const [, result, name, directive] = RESULT.exec(line) ?? []
    if (name === undefined) continue
    if (result === 'ok' && directive?.toLowerCase() !== 'skip') passed.add(name.trim())
    else failed.add(name.trim())
  }
  // Some names are of several tests: all of them have to pass.
  return { passed: passed.difference(failed), failed }
}

/** The names of a list in which what begins with `#`, `==` or a tab is not a name. */
export function namesIn(list: string): Set<string> {
  return new Set(list.split('\n').filter((line) => line !== '' && !/^(?:#|==|\t)/.test(line)))
}

/** What a run says about the two lists, each finding with the sign that it is printed with. */
export function compare({ passed, failed }: Run, known: ReadonlySet<string>, excused: ReadonlySet<string>) {
  return {
    lost: [...known.difference(passed)].map((name) => `- ${name}`),
    won: [...passed.difference(known).difference(excused)].map((name) => `+ ${name}`),
    unexplained: [...failed.difference(known).difference(excused)].map((name) => `? ${name}`),
    excused: [...failed.intersection(excused)].map((name) => `  ${name}`),
    passedAfterAll: [...passed.intersection(excused)].map((name) => `! ${name}`),
  }
}

function main([file, option]: string[]): number {
  if (file === undefined) {
    process.stderr.write('usage: node scripts/sytest.ts RUN.tap [--write]\n')
    return 2
  }
  const run = runOf(readFileSync(file, 'utf8'))
  const known = namesIn(readFileSync(LIST, 'utf8'))
  const excused = namesIn(readFileSync(EXCUSES, 'utf8'))
  if (option === '--write') {
    const names = [...run.passed.difference(excused)].sort()
    writeFileSync(LIST, `${names.join('\n')}\n`)
    process.stdout.write(`${names.length} names written\n`)
    return 0
  }
  const findings = compare(run, known, excused)
  process.stdout.write(`${Object.values(findings).flat().join('\n')}\n`)
  process.stdout.write(
    `${run.passed.size} passed: ${findings.lost.length} of the list did not (-), ${findings.won.length} are new (+), ` +
      `${findings.passedAfterAll.length} can be taken from sytest-not.txt (!); ` +
      `${findings.excused.length} are known not to pass, ${findings.unexplained.length} are in neither list (?)\n`,
  )
  return findings.lost.length + findings.unexplained.length === 0 ? 0 : 1
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
