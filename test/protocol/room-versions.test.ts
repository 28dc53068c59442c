import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AuthRules,
  DEFAULT_ROOM_VERSION,
  knownRoomVersions,
  type RoomRules,
  roomRules,
} from '../../src/protocol/room-versions.ts'

const all = knownRoomVersions.map((version) => roomRules(version)).filter((rules) => rules !== undefined)

/** The versions in which something holds. */
const versionsWhere = (holds: (rules: RoomRules) => boolean) => all.filter(holds).map(({ version }) => version)
const from = (first: number) => Array.from({ length: 13 - first }, (_, index) => String(first + index))
const until = (last: number) => Array.from({ length: last }, (_, index) => String(1 + index))

test('versions 1 to 12 are known, each under its own name, and 12 is the default', () => {
  assert.deepEqual(knownRoomVersions, until(12))
  assert.deepEqual(
    versionsWhere(() => true),
    until(12),
  )
  assert.equal(DEFAULT_ROOM_VERSION, '12')
})

test('other versions are not known', () => {
  for (const version of ['0', '13', '', '1.0', '__proto__', 'org.matrix.hydra.11']) assert.equal(roomRules(version), undefined)
})

test('event formats and algorithms change where the specification says', () => {
  assert.deepEqual(
    versionsWhere((rules) => rules.eventIdFormat === 'chosen'),
    ['1', '2'],
  )
  assert.deepEqual(
    versionsWhere((rules) => rules.eventIdFormat === 'base64'),
    ['3'],
  )
  assert.deepEqual(
    versionsWhere((rules) => rules.stateResolution === 'v1'),
    ['1'],
  )
  assert.deepEqual(
    versionsWhere((rules) => rules.stateResolution === 'v2.1'),
    ['12'],
  )
  assert.deepEqual(
    versionsWhere((rules) => rules.strictCanonicalJson),
    from(6),
  )
  assert.deepEqual(
    versionsWhere((rules) => rules.enforceKeyValidity),
    from(5),
  )
  assert.deepEqual(
    versionsWhere((rules) => rules.redactsInContent),
    from(11),
  )
  assert.deepEqual(
    versionsWhere((rules) => rules.roomIdIsCreateHash),
    ['12'],
  )
})

test('authorisation rules change where the specification says', () => {
  const expected: Record<keyof AuthRules, string[]> = {
    createInAuthEvents: until(11),
    creatorInContent: until(10),
    specialCaseAliases: until(5),
    redactionsNeedPower: until(2),
    limitNotificationLevels: from(6),
    knocking: from(7),
    restrictedJoins: from(8),
    knockRestricted: from(10),
    integerPowerLevels: from(10),
    privilegedCreators: ['12'],
  }
  const [first] = all
  assert.ok(first)
  assert.deepEqual(Object.keys(first.auth).sort(), Object.keys(expected).sort())
  for (const rules of all) {
    for (const [name, holds] of Object.entries(rules.auth)) {
      assert.equal(
        holds,
        Object.entries(expected).some(([key, list]) => key === name && list.includes(rules.version)),
        `${name} in ${rules.version}`,
      )
    }
  }
})
