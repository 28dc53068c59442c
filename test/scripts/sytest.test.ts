import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compare, namesIn, runOf } from '../../scripts/sytest.ts'

const listed = (name: string): string => readFileSync(new URL(`../conformance/${name}`, import.meta.url), 'utf8')

test('a name has passed when all tests of that name have, and none was skipped', () => {
  const tap = [
    'ok 1 One',
    'not ok 2 Two',
    'ok 3 Three # skip lack of something',
    'ok 4 Four',
    'not ok 5 Four',
    'ok 6 Five # TODO expected to fail',
    '1..6',
  ]
  const { passed, failed } = runOf(tap.join('\n'))
  assert.deepEqual([...passed], ['One', 'Five'])
  assert.deepEqual([...failed], ['Two', 'Three', 'Four'])
})

test('a run is compared with what is to pass and what is not', () => {
  const list = [
    '# Names',
    '',
    '== Waits for something',
    'Excused',
    '\ta file: a reason',
    '\tof two lines',
    'Excused before',
    '\tanother',
  ]
  const run = { passed: new Set(['Known', 'New', 'Excused before']), failed: new Set(['Lost', 'Excused', 'Strange']) }
  assert.deepEqual(compare(run, new Set(['Known', 'Lost', 'Not run']), namesIn(list.join('\n'))), {
    lost: ['- Lost', '- Not run'],
    won: ['+ New'],
    unexplained: ['? Strange'],
    excused: ['  Excused'],
    passedAfterAll: ['! Excused before'],
  })
})

test('no name is in both lists', () => {
  const excused = namesIn(listed('sytest-not.txt'))
  assert.deepEqual([...namesIn(listed('sytest.txt')).intersection(excused)], [])
})

test('every name that is not to pass stands with its file, and with the words of the specification where those decide', () => {
  const [, ...sections] = listed('sytest-not.txt').split(/^== /m)
  for (const section of sections) {
    const [heading, ...entries] = section.split(/\n(?=[^\t\n])/)
    for (const entry of entries) {
      const [name, ...reason] = entry.trimEnd().split('\n')
      assert.match(reason[0] ?? '', /^\t\d\d\S+\.pl/, `${name} has no file`)
      if (heading?.startsWith('Waits for') === true) continue
      assert.match(reason.join(' '), /"[^"]+".*\(.+\)|[Aa]s above\.|skipped, since/, `${name} has no words of the specification`)
    }
  }
})
