/** Holds the order of the layers: a module imports only from its own layer and from those before it. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { importsOf } from '../scripts/source.ts'

const ROOT = join(import.meta.dirname, '..')

/** From left to right; layers that stand together do not know each other. */
const ORDER: readonly (readonly string[])[] = [
  ['schemas'],
  ['core'],
  ['protocol', 'http'],
  ['config', 'storage'],
  ['streams'],
  ['media'],
  ['users'],
  ['devices'],
  ['rooms'],
  ['sync', 'push', 'appservice'],
  ['federation'],
  ['client-api', 'admin'],
  ['app'],
  ['cli'],
]
const RANKS = new Map(ORDER.flatMap((layers, rank) => layers.map((layer) => [layer, rank] as const)))

/** Packages that one layer wraps for all others. */
const OWNERS: Readonly<Record<string, string>> = {
  'better-sqlite3': 'storage',
  koa: 'http',
  undici: 'http',
  'find-my-way': 'http',
  ws: 'http',
  nodemailer: 'http',
  'openid-client': 'users',
}
/** For tests only: their place is devDependencies. */
const ORACLES = ['tweetnacl', 'canonical-json', 'another-json', '@koa/router', 'fast-check', 'matrix-js-sdk', 'matrix-bot-sdk']
/** Only the composition root and the command line know the configuration; modules ask for what they use. */
const MAY_KNOW_CONFIG = ['config', 'app', 'cli']

const files = globSync(['src/**/*.ts', 'schemas/**/*.ts', 'cli.ts'], { cwd: ROOT })

test('there are modules to look at', () => {
  assert.ok(files.length > 20)
})

test('every module belongs to a layer', () => {
  assert.deepEqual(
    files.filter((file) => !RANKS.has(layerOf(file))),
    [],
  )
})

test('no module imports from a layer to the right of its own, or beside it', () => {
  const wrong = localImports().filter(({ from, to }) => !mayImport(layerOf(from), layerOf(to)))
  assert.deepEqual(wrong.map(describe), [])
})

test('only the composition root and the command line know the configuration', () => {
  const wrong = localImports().filter(({ from, to }) => layerOf(to) === 'config' && !MAY_KNOW_CONFIG.includes(layerOf(from)))
  assert.deepEqual(wrong.map(describe), [])
})

test('packages are wrapped by one layer, and those for tests stay in the tests', () => {
  const wrong = packageImports().filter(({ from, to }) => ORACLES.includes(to) || (OWNERS[to] ?? layerOf(from)) !== layerOf(from))
  assert.deepEqual(wrong.map(describe), [])
})

interface Import {
  readonly from: string
  readonly to: string
}

const describe = ({ from, to }: Import): string => `${from} imports ${to}`

/** `src/rooms/send.ts` is in `rooms`, `src/app.ts` in `app`, `schemas/ids.ts` in `schemas`, `cli.ts` in `cli`. */
function layerOf(file: string): string {
  const [first = '', second = ''] = file.split('/')
  return (first === 'src' ? second : first).replace(/\.ts$/, '')
}

function mayImport(from: string, to: string): boolean {
  return from === to || (RANKS.get(to) ?? Infinity) < (RANKS.get(from) ?? -1)
}

function allImports(): Import[] {
  return files.flatMap((file) => importsOf(readFileSync(join(ROOT, file), 'utf8')).map((to) => ({ from: file, to })))
}

function localImports(): Import[] {
  return allImports()
    .filter(({ to }) => to.startsWith('.'))
    .map(({ from, to }) => ({ from, to: relative(ROOT, join(ROOT, dirname(from), to)) }))
}

function packageImports(): Import[] {
  return allImports()
    .filter(({ to }) => !to.startsWith('.') && !to.startsWith('node:'))
    .map(({ from, to }) => ({
      from,
      to: to
        .split('/')
        .slice(0, to.startsWith('@') ? 2 : 1)
        .join('/'),
    }))
}

test('ARCHITECTURE.md has every layer that there is', () => {
  const map = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  const folders = globSync('src/*/', { cwd: ROOT }).map((folder) => `\`${folder.replace(/\/?$/, '/')}\``)
  assert.deepEqual(
    folders.filter((folder) => !map.includes(folder)),
    [],
  )
})

test('every file that ARCHITECTURE.md names is there', () => {
  const named = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8').match(/[\w/.-]+\.ts\b/g) ?? []
  const all = globSync(['src/**/*.ts', 'schemas/**/*.ts', 'test/*.ts', 'cli.ts'], { cwd: ROOT }).map((file) => `/${file}`)
  assert.deepEqual(
    named.filter((name) => !all.some((file) => file.endsWith(`/${name}`))),
    [],
  )
})

test('text of others is parsed by core/json-text.ts, around a mistake of V8: JSON.parse is for our own files alone', () => {
  const allowed = [
    'src/core/json-text.ts',
    'src/core/log-text.ts',
    'src/core/version.ts',
    'src/app/control.ts',
    'src/http/mount.ts',
    // In a script for browsers.
    'src/client-api/auth/client-page.ts',
  ]
  const users = files.filter((file) => /\bJSON\.parse\(/.test(readFileSync(join(ROOT, file), 'utf8')))
  assert.deepEqual(
    users.filter((file) => !allowed.includes(file)),
    [],
  )
})
