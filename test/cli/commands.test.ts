import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Terminal } from '../../src/cli/command.ts'
import { main } from '../../src/cli/index.ts'
import { Folder } from './support.ts'

test('--help lists the commands, --version says the version', async () => {
  using folder = new Folder()
  const help = await folder.run(['--help'])
  assert.equal(help.code, 0)
  for (const command of ['serve', 'check-config', 'create-user', 'generate-key'])
    assert.match(help.out, new RegExp(`^ {2}${command} `, 'm'))
  assert.match((await folder.run(['create-user', '--help'])).out, /Usage: causeway create-user \[options\] NAME[^]*--config FILE/)
  assert.match((await folder.run(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
})

test('what is not understood is told with the closest that is, and ends with 2', async () => {
  const mistakes: [args: string[], message: RegExp][] = [
    [['sreve'], /^unknown command sreve; did you mean serve\?/],
    [['serve', '--conifg', 'x'], /^unknown option --conifg; did you mean --config\?/],
    [['serve', '--config'], /^--config needs FILE/],
    [['serve', '--config', '--admin'], /^--config needs FILE/],
    [['serve', 'now'], /^serve does not take "now"/],
    [['create-user'], /^create-user needs NAME/],
    [['create-user', '--admin=yes', 'x'], /^--admin takes no value/],
  ]
  for (const [args, message] of mistakes) {
    let said = ''
    const terminal: Terminal = { ...silentTerminal, err: (text) => (said += text) }
    assert.equal(await main(args, terminal, noProgram), 2)
    assert.match(said, message)
  }
})

const noProgram = () => Promise.reject(new Error('no program is needed'))
const silentTerminal: Terminal = {
  env: {},
  cwd: '/nowhere',
  out: () => undefined,
  err: () => undefined,
  readSecret: async () => '',
  isInteractive: false,
}

test('check-config shows every setting with where it comes from, and no secret', async () => {
  using folder = new Folder()
  folder.write('causeway.yaml', 'server_name: example.org\nregistration:\n  shared_secret: hunter2\n')
  const { code, out, err } = await folder.run(['check-config'], { env: { CAUSEWAY_LOG__LEVEL: 'warn' } })
  assert.equal(code, 0)
  assert.match(out, /^server_name +"example\.org" {2}# causeway\.yaml, line 1$/m)
  assert.match(out, /^registration\.shared_secret +\(set\) {2}# causeway\.yaml, line 3$/m)
  assert.match(out, /^log\.level +"warn" {2}# environment variable CAUSEWAY_LOG__LEVEL$/m)
  assert.match(out, /^presence\.enabled +true {2}# default$/m)
  assert.match(err, /valid: example\.org, clients connect to https:\/\/example\.org/)
  assert.doesNotMatch(out + err, /hunter2/)
})

test('check-config and serve refuse a wrong configuration with 2', async () => {
  using folder = new Folder()
  folder.write('other.yaml', 'server_name: example.org\npresense: { enabled: false }\n')
  for (const command of ['check-config', 'serve']) {
    const { code, err } = await folder.run([command, '--config', 'other.yaml'])
    assert.equal(code, 2)
    assert.match(err, /other\.yaml, line 2: unknown key presense; did you mean presence\?/)
  }
})

test('generate-key prints a key, or writes it to a new file that only its owner can read', async () => {
  using folder = new Folder()
  assert.match((await folder.run(['generate-key'])).out, /^ed25519 a_[A-Za-z]{4} [A-Za-z0-9+/]{43}\n$/)
  assert.equal((await folder.run(['generate-key', '--out', 'a.key'])).code, 0)
  const file = join(folder.path, 'a.key')
  const text = readFileSync(file, 'utf8')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const again = await folder.run(['generate-key', '--out', 'a.key'])
  assert.equal(again.code, 1)
  assert.match(again.err, /EEXIST/)
  assert.equal(readFileSync(file, 'utf8'), text)
})

test('create-user makes accounts, with a password from the input or a made-up one', async () => {
  using folder = new Folder()
  const env = { CAUSEWAY_PASSWORD__HASH_COST: 'minimal' }
  const admin = await folder.run(['create-user', '--admin', '--password-stdin', 'Alice'], { env, input: 'correct horse\n' })
  assert.deepEqual([admin.code, admin.out], [0, '@alice:localhost\n'])
  assert.match((await folder.run(['create-user', 'bob'], { env })).out, /^@bob:localhost [\w-]{20}\n$/)
  const taken = await folder.run(['create-user', 'bob'], { env })
  assert.deepEqual([taken.code, taken.out], [1, ''])
  assert.match(taken.err, /taken/)
  assert.equal((await folder.run(['create-user', '--password-stdin', 'carol'], { env, input: '\n' })).code, 1)
})
