/** Holds us to the specification's list of endpoints: each is declared, and is either served or listed as not served. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import test from 'node:test'
import { declarations, nameOf, servedIn, specEndpoints } from '../scripts/spec-endpoints.ts'
import { clientEndpoints } from '../schemas/client/index.ts'
import { serverEndpoints } from '../schemas/server/index.ts'

const known = specEndpoints()
const declared = await declarations()
const served = servedIn()
const servedNames = new Set(
  declared.filter(({ file, name }) => served.has(`${file} ${name}`)).map(({ endpoint }) => nameOf(endpoint)),
)
const notServed = new Set(
  readFileSync(join(import.meta.dirname, 'conformance/not-served.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')),
)

/** Two rows of the specification that share their path and method with another one of another file. */
const SHARED = new Set(['peekEvents', 'inviteBy3PID'])

test('the list of the specification is whole', () => {
  assert.equal(known.filter(({ api }) => api === 'client-server').length, 166)
  assert.equal(known.filter(({ api }) => api === 'server-server').length, 36)
})

test('every endpoint of the specification is declared, in the file that is named like its own', () => {
  const places = new Map(declared.map(({ file, endpoint }) => [`${basename(file)} ${nameOf(endpoint)}`, file]))
  const missing = known.filter(({ operation, file, ...row }) => {
    const ours = file.replace('.yaml', '.ts').replaceAll('_', '-')
    return !SHARED.has(operation) && !places.has(`${ours} ${nameOf(row)}`)
  })
  assert.deepEqual(missing, [])
})

test('every endpoint of the specification is either served or listed in not-served.txt', () => {
  const names = [...new Set(known.map(nameOf))]
  assert.deepEqual(
    names.filter((name) => !servedNames.has(name) && !notServed.has(name)),
    [],
    'neither served nor listed: write a handler or, if it has to wait, add a line to test/conformance/not-served.txt',
  )
  assert.deepEqual(
    names.filter((name) => servedNames.has(name) && notServed.has(name)),
    [],
    'served but listed: delete the line',
  )
})

test('not-served.txt lists endpoints of the specification only', () => {
  const names = new Set(known.map(nameOf))
  assert.deepEqual(
    [...notServed].filter((name) => !names.has(name)),
    [],
  )
})

test('the indexes hold every declaration', () => {
  assert.deepEqual(new Set([...clientEndpoints, ...serverEndpoints]), new Set(declared.map(({ endpoint }) => endpoint)))
})

test('no method and path is declared twice', () => {
  const all = declared.flatMap(({ endpoint: { method, path, alsoAt } }) => [path, ...alsoAt].map((at) => `${method} ${at}`))
  assert.deepEqual(
    all.filter((name, i) => all.indexOf(name) !== i),
    [],
  )
})

test('the parameters in each path are declared by name', () => {
  const undeclared = declared.flatMap(({ endpoint: { method, path, alsoAt, params } }) => {
    const names = 'properties' in params ? Object.keys(params.properties ?? {}) : []
    const inPaths = [path, ...alsoAt].flatMap((at) => [...at.matchAll(/:(\w+)/g)].map(([, name]) => name ?? ''))
    // Nobody looks at what is in a malformed path.
    return inPaths.includes('scope')
      ? []
      : inPaths.filter((name) => !names.includes(name)).map((name) => `${method} ${path} ${name}`)
  })
  assert.deepEqual(undeclared, [])
})
