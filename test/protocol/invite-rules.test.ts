/** https://github.com/matrix-org/matrix-spec-proposals/pull/4155, with its own examples. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import type { Json } from '../../schemas/json.ts'
import { blockingRules, filteringRules } from '../../src/protocol/invite-rules.ts'

const ask = (content: Json, sender: string) => filteringRules(content)(sender as UserId)

test('users go before servers, and those who are allowed before those who are ignored or blocked', () => {
  const config = {
    allowed_users: ['@goodguy:badguys.org'],
    ignored_users: ['@*bot*:*'],
    blocked_users: ['@notactuallyguy:goodguys.org', '@goodguy:badguys.org'],
    allowed_servers: ['goodguys.org'],
    ignored_servers: ['reallybadguys.org'],
    blocked_servers: ['*'],
  }
  assert.equal(ask(config, '@goodguy:badguys.org'), 'allow')
  assert.equal(ask(config, '@spambot9:goodguys.org'), 'ignore')
  assert.equal(ask(config, '@notactuallyguy:goodguys.org'), 'block')
  assert.equal(ask(config, '@anybody:goodguys.org'), 'allow')
  assert.equal(ask(config, '@anybody:reallybadguys.org'), 'ignore')
  assert.equal(ask(config, '@anybody:elsewhere.org'), 'block')
})

test('ports do not count', () => {
  assert.equal(ask({ blocked_servers: ['badguys.org'] }, '@a:badguys.org:8448'), 'block')
  assert.equal(ask({ blocked_servers: ['[::1]'] }, '@a:[::1]:8448'), 'block')
})

test('what is switched off, empty or malformed allows everybody', () => {
  for (const content of [{}, null, [], 'x', { enabled: false, blocked_servers: ['*'] }, { blocked_servers: ['a.org'] }])
    assert.equal(ask(content, '@a:b.org'), 'allow')
  for (const wrong of [null, '*', ['*', 1], { '*': true }])
    assert.equal(ask({ blocked_servers: ['*'], allowed_users: wrong }, '@a:b.org'), 'allow')
})

test('patterns that nothing can match cost nothing', () => {
  assert.equal(ask({ blocked_users: ['*a'.repeat(200)] }, `@${'a'.repeat(240)}:b.org`), 'allow')
})

test('the default action is to block, or nothing', () => {
  assert.equal(blockingRules({ default_action: 'block' })('@a:b.org' as UserId), 'block')
  for (const content of [{}, null, { default_action: 'allow' }, { default_action: ['block'] }])
    assert.equal(blockingRules(content)('@a:b.org' as UserId), 'allow')
})
