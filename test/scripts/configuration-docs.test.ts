import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configurationDocs, FILE } from '../../scripts/configuration-docs.ts'
import { infoOf } from '../../src/config/keys.ts'
import { keysOf } from '../../src/config/schema.ts'

test('docs/configuration.md is what `npm run docs` would write', () => {
  assert.equal(readFileSync(FILE, 'utf8'), configurationDocs(), 'run `npm run docs` and commit the result')
})

test('every key has a description, and what to say of a wrong value', () => {
  for (const { path, schema } of keysOf()) {
    const { description, expected } = infoOf(schema)
    assert.ok(description?.endsWith('.') && expected, path.join('.'))
  }
})
