import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { disagreements, type View } from '../../src/cli/fleet/view.ts'
import { Folder } from './support.ts'

/** A temporary folder of our own, to see what is left in it. */
function withTemporary(folder: Folder): { temporary: string; env: Record<string, string> } {
  const temporary = join(folder.path, 'tmp')
  mkdirSync(temporary)
  return { temporary, env: { TMPDIR: temporary, CAUSEWAY_SERVER_NAME: 'not.for.them' } }
}

test('two servers of a fleet come to the same timeline, are measured, and leave nothing behind', async () => {
  using folder = new Folder()
  const { temporary, env } = withTemporary(folder)
  const { code, out, err } = await folder.run(['fleet', '--servers', '2', '--messages', '2'], { env })
  assert.equal(code, 0, err + out)
  assert.match(out, /@alice:hs1\.test +Hello from hs1\.test +(\d+) +\1\n/)
  assert.match(out, /@bob:hs2\.test +Hello from hs2\.test +(\d+) +\1\n/)
  assert.match(out, /@alice:hs1\.test +!ping +(\d+) +\1\n/)
  assert.match(out, /@bot:hs2\.test +pong +(\d+) +\1\n/)
  assert.match(out, /And 4 messages to measure/)
  assert.match(out, /from hs1\.test +([\d.]+ \/ ){2}[\d.]+ +([\d.]+ \/ ){2}[\d.]+\n/)
  assert.match(out, /\n4 deliveries to other servers: ([\d.]+ \/ ){2}[\d.]+ ms\n/)
  assert.match(out, /\nAll 2 servers have the same \d+ events, in the same order, and the same state of the room\.\n$/)
  assert.deepEqual(readdirSync(temporary), [])
})

test('a fleet stays until it is told to end, users can log in, and --keep keeps its files', async () => {
  using folder = new Folder()
  const { temporary, env } = withTemporary(folder)
  await using running = folder.start(['fleet', '--servers', '2', '--messages', '1', '--stay', '--keep'], env)
  const [, url = '', user = '', password = ''] = await running.prints(/ {2}(http:\S+) {2}(@alice\S+) {2}(\S+)\n[^]*@bot/)
  const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password }
  const answer = await fetch(`${url}/_matrix/client/v3/login`, { method: 'POST', body: JSON.stringify(login) })
  assert.equal(answer.status, 200)
  running.process.kill('SIGINT')
  const { code, err } = await running.finished
  assert.equal(code, 0, err)
  const [, kept = ''] = /Everything is in (\S+)\n/.exec(err) ?? []
  assert.ok(kept.startsWith(temporary))
  assert.ok(existsSync(join(kept, 'hs2.test/log')))
  await assert.rejects(fetch(url))
})

test('wrong numbers are refused', async () => {
  using folder = new Folder()
  for (const args of [
    ['--servers', '1'],
    ['--servers', 'many'],
    ['--messages', '0'],
  ]) {
    const { code, err } = await folder.run(['fleet', ...args])
    assert.equal(code, 2)
    assert.match(err, /takes a number from \d to \d+\n/)
  }
})

test('servers disagree where one lacks an event, or an event of the state, but not over the order', () => {
  const events = ['$a', '$b'].map((id) => ({ event_id: id }))
  const first: View = { server: 'hs1.test', events, state: ['$a'] }
  assert.deepEqual(disagreements([first, { server: 'hs2.test', events: events.toReversed(), state: ['$a'] }]), [])
  assert.deepEqual(disagreements([first, { server: 'hs2.test', events: events.slice(1), state: [] }]), [
    'hs2.test lacks 1 of 2 events',
    'hs2.test lacks 1 of 1 events of the state',
  ])
})
