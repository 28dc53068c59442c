/** Runs the bot of docs/sync-socket.md as it stands there. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testHomeserver } from '../support/homeserver.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/sync-socket.md'), 'utf8')

test('the bot of the documentation answers', async () => {
  const program = /```js\n(.*?)```/s.exec(PAGE)?.[1]
  assert.ok(program)
  await using hs = await testHomeserver()
  const [alice, bot] = await hs.users('alice', 'bot')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bot.join(room)
  await alice.send(room, '!ping')
  const running = spawn(process.execPath, ['--eval', program], {
    env: { ...process.env, BASE: hs.url, TOKEN: bot.token },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  try {
    await alice.syncUntil(({ rooms }) =>
      rooms.join[room]?.timeline.events.find(({ sender, content }) => sender === bot.id && content['body'] === 'pong'),
    )
  } finally {
    running.kill()
  }
})
