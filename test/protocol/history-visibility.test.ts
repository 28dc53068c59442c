import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { type HistoryVisibility, historyVisibilityOf, mayServerSee, mayUserSee } from '../../src/protocol/history-visibility.ts'
import { makeEvent, rulesOf, userId } from '../support/dag.ts'

const rules = rulesOf('12')
const message = makeEvent(rules, { type: 'm.room.message', sender: userId('alice'), content: {} })
const state = (type: string, stateKey: string, content: JsonObject, sender = 'alice') =>
  makeEvent(rules, { type, stateKey, sender: userId(sender), content })
const visibilityEvent = (value: unknown) => state('m.room.history_visibility', '', { history_visibility: value as string })
const memberEvent = (membership: string, user = '@bob:b') => state('m.room.member', user, { membership })

const BOB = '@bob:b'
const visibilities: HistoryVisibility[] = ['world_readable', 'shared', 'invited', 'joined']
const memberships = [undefined, 'leave', 'ban', 'knock', 'invite', 'join']

test('what is not set or not understood is shared', () => {
  assert.equal(historyVisibilityOf(undefined), 'shared')
  for (const odd of [undefined, 'odd', 5, null, ['joined']]) assert.equal(historyVisibilityOf(visibilityEvent(odd)), 'shared')
  for (const value of visibilities) assert.equal(historyVisibilityOf(visibilityEvent(value)), value)
})

test('a message is seen as its visibility and the reader’s membership then say', () => {
  for (const visibility of visibilities) {
    for (const membership of memberships) {
      for (const joinedLater of [false, true]) {
        const expected =
          visibility === 'world_readable' ||
          membership === 'join' ||
          (visibility === 'shared' && joinedLater) ||
          (visibility === 'invited' && membership === 'invite')
        assert.equal(
          mayUserSee(message, BOB, { visibility, membership }, joinedLater),
          expected,
          `${visibility} ${membership} ${joinedLater}`,
        )
      }
    }
  }
})

const seeChange = (before: HistoryVisibility, after: HistoryVisibility) =>
  mayUserSee(visibilityEvent(after), BOB, { visibility: before, membership: undefined }, false)

test('a change of the visibility is seen if it is visible before or after', () => {
  assert.equal(seeChange('world_readable', 'joined'), true)
  assert.equal(seeChange('joined', 'world_readable'), true)
  assert.equal(seeChange('joined', 'shared'), false)
})

test('a reader’s own member events are seen if they are visible before or after', () => {
  const see = (before: string | undefined, after: string, user = BOB) =>
    mayUserSee(memberEvent(after, user), BOB, { visibility: 'joined', membership: before }, false)
  assert.equal(see('invite', 'join'), true)
  assert.equal(see('join', 'leave'), true)
  assert.equal(see('join', 'ban'), true)
  assert.equal(see('invite', 'leave'), false)
  assert.equal(see('leave', 'join', '@carol:b'), false, 'another’s')
  const invited = mayUserSee(memberEvent('invite'), BOB, { visibility: 'invited', membership: undefined }, false)
  assert.equal(invited, true)
})

test('what only looks like a change of visibility or membership is not one', () => {
  const fake = state('m.room.history_visibility', 'x', { history_visibility: 'world_readable' })
  assert.equal(mayUserSee(fake, BOB, { visibility: 'joined', membership: 'leave' }, false), false)
  const unkeyed = makeEvent(rules, { type: 'm.room.member', sender: userId('bob@b'), content: { membership: 'join' } })
  assert.equal(mayUserSee(unkeyed, BOB, { visibility: 'joined', membership: 'leave' }, false), false)
})

function server(visibility: HistoryVisibility, members: string[], isInRoom: boolean, event = message): boolean {
  return mayServerSee(event, 'b', { visibility, memberships: () => members, isInRoom })
}

test('a server sees what any of its users may see, or could on joining', () => {
  assert.equal(server('world_readable', [], false), true)
  assert.equal(server('shared', [], true), true)
  assert.equal(server('shared', [], false), false)
  assert.equal(server('shared', ['join'], false), true, 'it was there')
  assert.equal(server('invited', ['leave', 'invite'], true), true)
  assert.equal(server('invited', ['leave'], true), false)
  assert.equal(server('joined', ['leave', 'invite'], true), false)
  assert.equal(server('joined', ['leave', 'join'], true), true)
})

test('a server sees changes of visibility and of its users’ membership if they are visible before or after', () => {
  assert.equal(server('joined', [], false, visibilityEvent('world_readable')), true)
  assert.equal(server('joined', [], true, visibilityEvent('shared')), true)
  assert.equal(server('joined', [], true, memberEvent('join')), true)
  assert.equal(server('joined', [], true, memberEvent('join', '@carol:c')), false)
  assert.equal(server('invited', [], true, memberEvent('invite')), true)
})

test('memberships are asked for only where they matter', () => {
  const ask = { memberships: () => assert.fail('asked'), isInRoom: true }
  assert.equal(mayServerSee(message, 'b', { visibility: 'shared', ...ask }), true)
  assert.equal(mayServerSee(message, 'b', { visibility: 'world_readable', ...ask }), true)
})
