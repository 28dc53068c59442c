import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { type Syncer, syncServer } from '../../sync/support.ts'

interface Rule {
  rule_id: string
  enabled: boolean
  default: boolean
  actions: unknown[]
}
type Ruleset = Record<string, Rule[]>

const rulesOf = async (user: Syncer, kind: string) => (await user.ok<{ global: Ruleset }>('GET', 'pushrules/')).global[kind] ?? []
const idsOf = async (user: Syncer, kind: string) =>
  (await rulesOf(user, kind)).filter((rule) => !rule.default).map((rule) => rule.rule_id)
const path = (kind: string, id: string) => `pushrules/global/${kind}/${encodeURIComponent(id)}`
const NOTIFY: JsonObject = { actions: ['notify'] }

describe('push rules', () => {
  test('of one’s own come before the defaults of their kind, but for the master rule', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const rules: [string, string, object][] = [
      ['room', '!spam:example.com', {}],
      ['sender', '@bob:example.com', {}],
      ['content', 'тест', { pattern: 'тест' }],
      ['override', 'mine', { conditions: [{ kind: 'event_match', key: 'content.msgtype', pattern: 'm.notice' }] }],
      ['underride', 'mine', {}],
    ]
    for (const [kind, id, rule] of rules) {
      await alice.ok('PUT', path(kind, id), { ...NOTIFY, ...rule })
      const made = await alice.ok<Rule>('GET', path(kind, id))
      assert.deepEqual([made.rule_id, made.enabled, made.default, made.actions], [id, true, false, ['notify']])
      assert.deepEqual(await idsOf(alice, kind), [id])
      assert.deepEqual(await alice.ok('GET', `${path(kind, id)}/enabled`), { enabled: true })
      assert.deepEqual(await alice.ok('GET', `${path(kind, id)}/actions`), NOTIFY)
    }
    assert.deepEqual(
      (await rulesOf(alice, 'override')).slice(0, 2).map((rule) => rule.rule_id),
      ['.m.rule.master', 'mine'],
    )
    assert.equal((await rulesOf(alice, 'underride'))[0]?.rule_id, 'mine')
  })

  test('go before old ones, unless they are placed', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    for (const [id, place] of [
      ['a', ''],
      ['b', ''],
      ['c', '?before=a'],
      ['d', '?after=a'],
      ['e', '?before=c&after=d'],
    ])
      await alice.ok('PUT', `${path('sender', id ?? '')}${place}`, NOTIFY)
    assert.deepEqual(await idsOf(alice, 'sender'), ['b', 'e', 'c', 'a', 'd'])
    await alice.ok('PUT', path('sender', 'c'), NOTIFY)
    assert.deepEqual(await idsOf(alice, 'sender'), ['b', 'e', 'c', 'a', 'd'])
    await alice.ok('DELETE', path('sender', 'b'))
    assert.deepEqual(await idsOf(alice, 'sender'), ['e', 'c', 'a', 'd'])
    await alice.refused('M_UNKNOWN', 'PUT', `${path('sender', 'f')}?before=nosuch`, NOTIFY)
    await alice.refused('M_UNKNOWN', 'PUT', `${path('override', 'f')}?after=.m.rule.master`, NOTIFY)
  })

  test('are switched and given other actions, the defaults too', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    for (const [kind, id] of [
      ['override', '.m.rule.master'],
      ['underride', '.m.rule.message'],
    ] as const) {
      for (const enabled of [true, false]) {
        await alice.ok('PUT', `${path(kind, id)}/enabled`, { enabled })
        assert.deepEqual(await alice.ok('GET', `${path(kind, id)}/enabled`), { enabled })
      }
      await alice.ok('PUT', `${path(kind, id)}/actions`, { actions: ['dont_notify'] })
      assert.deepEqual(await alice.ok('GET', `${path(kind, id)}/actions`), { actions: ['dont_notify'] })
    }
    await alice.ok('PUT', path('sender', '@bob:x'), NOTIFY)
    await alice.ok('PUT', `${path('sender', '@bob:x')}/enabled`, { enabled: false })
    await alice.ok('PUT', path('sender', '@bob:x'), { actions: [] })
    const { enabled, actions } = await alice.ok<Rule>('GET', path('sender', '@bob:x'))
    assert.deepEqual([enabled, actions], [false, []])
  })

  test('that do not exist are not found, and what is no rule is refused', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    for (const kind of ['override', 'sender']) {
      await alice.refused('M_NOT_FOUND', 'GET', path(kind, 'nosuch'))
      await alice.refused('M_NOT_FOUND', 'DELETE', path(kind, 'nosuch'))
      await alice.refused('M_NOT_FOUND', 'PUT', `${path(kind, 'nosuch')}/enabled`, { enabled: true })
      await alice.refused('M_NOT_FOUND', 'PUT', `${path(kind, 'nosuch')}/actions`, NOTIFY)
    }
    await alice.refused('M_NOT_FOUND', 'DELETE', path('override', '.m.rule.master'))
    const wrong: [string, string, JsonObject][] = [
      ['sender', '.dot', NOTIFY],
      ['sender', 'a/b', NOTIFY],
      ['sender', 'a\\b', NOTIFY],
      ['content', 'nopattern', NOTIFY],
      ['sender', 'x', { actions: ['mark_unread'] }],
      ['sender', 'x', { actions: [{ tweak: 'sound' }] }],
      ['sender', 'x', {}],
      ['nokind', 'x', NOTIFY],
    ]
    for (const [kind, id, body] of wrong) {
      const { status } = await alice.call('PUT', path(kind, id), body)
      assert.equal(status, 400, `${kind} ${id}`)
    }
  })

  test('are told to the user’s clients when they change', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    await alice.sync()
    await alice.ok('PUT', path('sender', '@bob:x'), NOTIFY)
    const [event, ...others] = (await alice.sync()).account_data.events
    assert.deepEqual([event?.type, others], ['m.push_rules', []])
    assert.deepEqual(event?.content, await alice.ok('GET', 'pushrules/'))
    assert.deepEqual((await alice.sync()).account_data.events, [])
  })
})
