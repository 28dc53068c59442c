import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { Folder } from './support.ts'

const env = { CAUSEWAY_LISTENERS: '[{port: 0}]', CAUSEWAY_PASSWORD__HASH_COST: 'minimal' }

test('the first start leads to the first account, and a signal stops it in time', async () => {
  using folder = new Folder()
  await using server = folder.start(['serve'], env)
  const [, url = ''] = await server.says(/serves localhost at (http:\S+)/)
  const [, token = ''] = await server.says(/\/_causeway\/setup\?token=(\S+)/)
  const setup = `${url}/_causeway/setup?token=${token}`
  assert.match(await (await fetch(setup)).text(), /Make the first account/)
  const fields = { name: 'alice', password: 'correct horse', repeated: 'correct horse' }
  const submit = () => fetch(setup, { method: 'POST', body: new URLSearchParams(fields) })
  assert.match(await (await submit()).text(), /Welcome, @alice:localhost/)
  assert.equal((await submit()).status, 403)
  assert.match(await (await fetch(url)).text(), /A .*Matrix.* homeserver/)
  server.process.kill('SIGTERM')
  const { code, err } = await server.finished
  assert.equal(code, 0)
  assert.match(err, /Stopping…\n$/)

  await using again = folder.start(['serve'], env)
  await again.says(/Clients connect to/)
  again.process.kill('SIGINT')
  const second = await again.finished
  assert.equal(second.code, 0)
  assert.doesNotMatch(second.err, /token=/)
})

test('a running server keeps its database to itself, and makes accounts for create-user', async () => {
  using folder = new Folder()
  await using server = folder.start(['serve'], env)
  await server.says(/token=/)
  const second = await folder.run(['serve'], { env })
  assert.equal(second.code, 1)
  assert.match(second.err.trim(), /^The database .*homeserver\.db is in use by another Causeway process/m)
  assert.equal(
    (await folder.run(['create-user', '--password-stdin', 'bob'], { env, input: 'correct horse\n' })).out,
    '@bob:localhost\n',
  )
  const taken = await folder.run(['create-user', 'bob'], { env })
  assert.deepEqual([taken.code, taken.out, taken.err], [1, '', 'That user ID is taken\n'])
  assert.equal(statSync(join(folder.path, 'data/homeserver.db.control')).mode & 0o777, 0o600)
  server.process.kill('SIGTERM')
  assert.equal((await server.finished).code, 0)
})

test('a server that was killed leaves nothing in the way of the next', async () => {
  using folder = new Folder()
  await using server = folder.start(['serve'], env)
  await server.says(/token=/)
  server.process.kill('SIGKILL')
  await server.finished
  await using next = folder.start(['serve'], env)
  await next.says(/token=/)
  assert.match((await folder.run(['create-user', 'bob'], { env })).out, /^@bob:localhost /)
})

test('a port that is taken is told in one line', async () => {
  using folder = new Folder()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : 0
  const { code, err } = await folder.run(['serve'], { env: { CAUSEWAY_LISTENERS: `[{port: ${port}}]` } })
  other.close()
  assert.equal(code, 1)
  assert.match(err.trim(), /EADDRINUSE: address already in use 127\.0\.0\.1:\d+$/)
})

test('a second signal ends a server that does not come to rest', async () => {
  using folder = new Folder()
  await using server = folder.start(['serve'], {}, join(import.meta.dirname, 'stubborn-server.ts'))
  await server.says(/Clients connect to/)
  server.process.kill('SIGTERM')
  await server.says(/Stopping/)
  // One press of Ctrl-C may arrive twice within a moment, so the second signal is repeated until it counts.
  const repeat = setInterval(() => server.process.kill('SIGTERM'), 50)
  const { code, err } = await server.finished
  clearInterval(repeat)
  assert.equal(code, 143)
  assert.match(err, /Stopped at once/)
})
