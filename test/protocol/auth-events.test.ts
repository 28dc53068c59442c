import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { authStateKeys } from '../../src/protocol/auth-events.ts'
import { rulesOf, userId } from '../support/dag.ts'

function keys(version: string, type: string, stateKey: string | undefined, content: JsonObject = {}): string[] {
  const selected = authStateKeys({ type, stateKey, sender: userId('alice'), content }, rulesOf(version))
  return selected.map((key) => `${key.type.replace('m.room.', '')} ${key.stateKey}`.trimEnd()).sort()
}
const member = (version: string, stateKey: string, content: JsonObject) => keys(version, 'm.room.member', stateKey, content)

test('a create event has none', () => {
  assert.deepEqual(keys('11', 'm.room.create', ''), [])
  assert.deepEqual(keys('12', 'm.room.create', ''), [])
})

test('a message needs the create event, power levels and its sender', () => {
  assert.deepEqual(keys('1', 'm.room.message', undefined), ['create', 'member @alice:a', 'power_levels'])
  assert.deepEqual(keys('11', 'm.room.topic', ''), ['create', 'member @alice:a', 'power_levels'])
})

test('since version 12 the create event is not selected', () => {
  assert.deepEqual(keys('12', 'm.room.message', undefined), ['member @alice:a', 'power_levels'])
})

test('joins, invites and knocks need the join rules, leaves and bans do not', () => {
  for (const membership of ['join', 'invite', 'knock']) {
    assert.deepEqual(member('12', '@bob:a', { membership }), ['join_rules', 'member @alice:a', 'member @bob:a', 'power_levels'])
  }
  for (const membership of ['leave', 'ban', 'odd']) {
    assert.deepEqual(member('12', '@bob:a', { membership }), ['member @alice:a', 'member @bob:a', 'power_levels'])
  }
})

test('sender and target are selected once where they are the same', () => {
  assert.deepEqual(member('12', '@alice:a', { membership: 'join' }), ['join_rules', 'member @alice:a', 'power_levels'])
})

test('a third-party invite is selected by its token, for invites only', () => {
  const third_party_invite = { signed: { token: 'secret', mxid: '@bob:a' } }
  assert.ok(member('12', '@bob:a', { membership: 'invite', third_party_invite }).includes('third_party_invite secret'))
  assert.ok(!member('12', '@bob:a', { membership: 'join', third_party_invite }).includes('third_party_invite secret'))
  for (const broken of [true, {}, { signed: true }, { signed: {} }, { signed: { token: 7 } }]) {
    const selected = member('12', '@bob:a', { membership: 'invite', third_party_invite: broken })
    assert.deepEqual(selected, ['join_rules', 'member @alice:a', 'member @bob:a', 'power_levels'])
  }
})

test('the authorising user of a restricted join is selected since version 8, for joins only', () => {
  const content = { membership: 'join', join_authorised_via_users_server: '@host:b' }
  assert.ok(member('8', '@alice:a', content).includes('member @host:b'))
  assert.ok(!member('7', '@alice:a', content).includes('member @host:b'))
  assert.ok(!member('8', '@alice:a', { ...content, membership: 'leave' }).includes('member @host:b'))
  assert.ok(!member('8', '@alice:a', { ...content, join_authorised_via_users_server: 1 }).includes('member 1'))
})

test('the authorising user is selected once where it is somebody else anyway', () => {
  const selected = member('12', '@alice:a', { membership: 'join', join_authorised_via_users_server: '@alice:a' })
  assert.deepEqual(selected, ['join_rules', 'member @alice:a', 'power_levels'])
})
