import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseStateMapKey, stateMapKey } from '../../src/protocol/state-map.ts'

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom('\0', ':', '1', '2', 'a')).map((parts) => parts.join('')),
)

test('a key stands for one type and state key, whatever characters they have', () => {
  assert.notEqual(stateMapKey('a\0b', 'c'), stateMapKey('a', 'b\0c'))
  fc.assert(
    fc.property(anyText, anyText, (type, stateKey) => {
      assert.deepEqual(parseStateMapKey(stateMapKey(type, stateKey)), { type, stateKey })
    }),
  )
})
