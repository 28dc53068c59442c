import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { test } from 'node:test'
import { textLine } from '../../src/core/log-text.ts'
import { createLogger, loggerTo } from '../../src/core/logger.ts'

function linesOf(write: (logger: ReturnType<typeof loggerTo>) => void): string[] {
  const lines: string[] = []
  write(loggerTo('info', { write: (line) => lines.push(line) }))
  return lines
}

test('secrets are blanked by field name, at any of the upper levels', () => {
  const [line = ''] = linesOf((logger) => {
    logger.info(
      { password: 'hunter2', body: { access_token: 'hunter2', new: { refresh_token: 'hunter2' } }, user: '@a:b' },
      'login',
    )
  })
  assert.doesNotMatch(line, /hunter2/)
  assert.match(line, /@a:b/)
})

test('tokens inside texts are blanked by their shape', () => {
  const texts = [
    '/sync?access_token=hunter2&since=5',
    'Authorization: Bearer hunter2',
    '{"password":"hunter2","user":"bob"}',
    'x?loginToken=hunter2',
  ]
  for (const text of texts) {
    const [line = ''] = linesOf((logger) => logger.info({ url: text, err: new Error(text) }, text))
    assert.doesNotMatch(line, /hunter2/)
    assert.doesNotThrow(() => JSON.parse(line))
  }
  const [line = ''] = linesOf((logger) => logger.info({}, '/sync?access_token=hunter2&since=5'))
  assert.match(line, /&since=5/)
})

test('a line less important than the level is not written', () => {
  assert.deepEqual(
    linesOf((logger) => logger.debug({}, 'x')),
    [],
  )
})

test('a log file has a JSON object a line, with time, level and subsystem', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'causeway-log-')), 'sub', 'a.log')
  {
    await using log = createLogger({ level: 'info', format: 'auto', file })
    log.logger('federation').warn({ destination: 'b.org' }, 'unreachable')
  }
  const { time, ...entry } = JSON.parse(readFileSync(file, 'utf8'))
  assert.deepEqual(entry, { level: 'warn', subsystem: 'federation', destination: 'b.org', msg: 'unreachable' })
  assert.ok(Number.isFinite(Date.parse(time)))
})

test('on a terminal a line is text', () => {
  const [line = ''] = linesOf((logger) => logger.child({ subsystem: 'http' }).info({ status: 200, path: '/x' }, 'answered'))
  assert.match(stripVTControlCharacters(textLine(line)), /^\d\d:\d\d:\d\d info {2}http {7}answered status=200 path=\/x\n$/)
})
