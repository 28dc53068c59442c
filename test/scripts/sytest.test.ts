import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passedIn } from '../../scripts/sytest.ts'

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
  assert.deepEqual([...passedIn(tap.join('\n'))], ['One', 'Five'])
})
