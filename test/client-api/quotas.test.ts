/** How much one user may keep: the last that is allowed, the first that is not, and that what is there can still be changed. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DeviceId, RoomAlias, RoomId, UserId } from '../../schemas/ids.ts'
import { openStorage } from '../../src/app/storage.ts'
import { systemClock } from '../../src/core/clock.ts'
import { KeyBackups } from '../../src/devices/key-backup.ts'
import { Tags } from '../../src/rooms/tags.ts'
import type { PushCondition } from '../../src/protocol/push-rules.ts'
import { SyncFilters } from '../../src/sync/filters.ts'
import { AccountData } from '../../src/users/account-data.ts'
import { OpenId } from '../../src/users/openid.ts'
import { noEdits, withoutRule, withRule } from '../../src/users/push-rule-edits.ts'
import { PushRules } from '../../src/users/push-rules.ts'
import { UserPushers } from '../../src/users/pushers.ts'
import { testHomeserver } from '../support/homeserver.ts'
import { roomServer } from '../support/room-server.ts'
import { ALICE } from '../http/support.ts'

const TOO_MANY = { status: 400, errcode: 'M_TOO_LARGE' }
const ROOM = 1

/** Tables on a disk that nobody waits for. */
async function storage() {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const tables = openStorage(join(folder, 'test.db'), 'OFF')
  stack.use(tables.db)
  const disposal = stack.move()
  return { ...tables, [Symbol.asyncDispose]: () => disposal.disposeAsync() }
}

test('filters', async () => {
  await using tables = await storage()
  const filters = new SyncFilters(tables)
  const define = (limit: number) => filters.define(ALICE.userNid, { room: { timeline: { limit } } })
  await tables.db.write((batch) => {
    for (let id = 1; id < 1_000; id++) tables.filters.add(batch, ALICE.userNid, id, JSON.stringify({ number: id }))
  })
  assert.deepEqual([await define(1), await define(1)], ['1000', '1000'], 'the same filter counts once')
  await assert.rejects(define(2), TOO_MANY)
  assert.equal(await define(1), '1000')
})

test('bytes of filters', async () => {
  await using tables = await storage()
  const filters = new SyncFilters(tables)
  const define = (n: number) => filters.define(ALICE.userNid, { room: { rooms: [`!${n}:${'x'.repeat(1024 * 1024)}`] } })
  for (let n = 0; n < 4; n++) await define(n)
  await assert.rejects(define(4), TOO_MANY)
  assert.equal(await define(0), '1')
})

test('account data', async () => {
  await using tables = await storage()
  const pushRules = new PushRules({ db: tables.db, table: tables.pushRules })
  const accountData = new AccountData({ db: tables.db, table: tables.accountData, pushRules })
  const megabyte = 'x'.repeat(1_000_000)
  for (let n = 0; n < 20; n++) await accountData.set(ALICE, `org.example.${n}`, { megabyte })
  await assert.rejects(accountData.set(ALICE, 'org.example.more', { megabyte }), TOO_MANY)
  await assert.rejects(accountData.set(ALICE, 'org.example.more', { megabyte }, ROOM), TOO_MANY)
  await accountData.set(ALICE, 'org.example.0', { megabyte: 0 })
  await accountData.set(ALICE, 'org.example.more', { megabyte })
  await tables.db.write((batch) => {
    for (let n = 0; n < 20_000 - 21; n++) tables.accountData.set(batch, ALICE.userNid, ROOM, `org.example.${n}`, '{}')
  })
  await assert.rejects(accountData.set(ALICE, 'org.example.last', { a: 1 }), TOO_MANY)
  await accountData.set(ALICE, 'org.example.1', { a: 1 })
})

test('tags', async () => {
  await using tables = await storage()
  const tags = new Tags(tables)
  for (let n = 0; n < 100; n++) await tags.set(ALICE.userNid, ROOM, `u.${n}`, {})
  await assert.rejects(tags.set(ALICE.userNid, ROOM, 'u.100', {}), TOO_MANY)
  await tags.set(ALICE.userNid, ROOM, 'u.99', { order: 0.5 })
  await tags.remove(ALICE.userNid, ROOM, 'u.0')
  await tags.set(ALICE.userNid, ROOM, 'u.100', {})
})

test('push rules', () => {
  const rule = { actions: ['notify' as const] }
  const rules = Array.from({ length: 2_999 }, (_, n) => ({ rule_id: `!${n}`, default: false, enabled: true, actions: [] }))
  let edits = withRule({ ...noEdits, rules: { room: rules } }, 'sender', '@eve:example.org', rule, {})
  const another = { ...rule, conditions: [] }
  assert.throws(() => withRule(edits, 'override', 'one', another, {}), TOO_MANY)
  edits = withRule(edits, 'room', '!0', rule, {})
  withRule(withoutRule(edits, 'room', '!0'), 'override', 'one', another, {})
})

const match = (key: string, pattern: string): PushCondition => ({ kind: 'event_match', key, pattern })
const ruleOf = (...conditions: PushCondition[]) => ({ actions: ['notify'], conditions })

test('what push rules look for in every message', async () => {
  const wide = ruleOf(...Array.from({ length: 250 }, () => match('content.x', '*b*')), match('content.x', `${'a'.repeat(248)}?`))
  const edits = withRule(noEdits, 'override', 'wide', wide, {})
  const full = withRule(edits, 'content', 'word', { actions: [], pattern: 'word' }, {})
  const contains: PushCondition = { kind: 'event_property_contains', key: 'content.x', value: 'y' }
  for (const one of [match('content.body', 'y'), match('type', 'y*'), { kind: 'contains_display_name' }, contains])
    assert.throws(() => withRule(full, 'underride', 'one', ruleOf(one), {}), TOO_MANY, JSON.stringify(one))
  withRule(full, 'underride', 'one', ruleOf(match('type', 'y'), match('content.x', 'y')), {})
  withRule(full, 'content', 'word', { actions: [], pattern: 'another' }, {})
})

const action = (length: number) => [{ set_tweak: 'sound', value: 's'.repeat(length) }]

test('bytes of push rules', async () => {
  await using tables = await storage()
  const rules = new PushRules({ ...tables, table: tables.pushRules })
  await rules.put(ALICE, 'room', '!a:example.org', { actions: action(1_000_000) }, {})
  await assert.rejects(rules.put(ALICE, 'room', '!b:example.org', { actions: action(50_000) }, {}), TOO_MANY)
  await assert.rejects(rules.setActions(ALICE, 'override', '.m.rule.master', action(50_000)), TOO_MANY)
  await rules.remove(ALICE, 'room', '!a:example.org')
  await rules.put(ALICE, 'room', '!b:example.org', { actions: action(50_000) }, {})
})

test('pushers', async () => {
  await using tables = await storage()
  const pushers = new UserPushers({ ...tables, clock: systemClock })
  const names = { app_display_name: 'Mail', device_display_name: 'Mail', lang: 'en', data: {} }
  const set = (n: number) => {
    const key = { appId: 'm.email', pushkey: `${n}@example.org` }
    const body = { ...names, kind: 'email', app_id: key.appId, pushkey: key.pushkey }
    return pushers.set(ALICE, { ...key, kind: 'email', append: true, body })
  }
  for (let n = 0; n < 100; n++) await set(n)
  await assert.rejects(set(100), TOO_MANY)
  await set(99)
})

test('key backups', async () => {
  await using tables = await storage()
  const backups = new KeyBackups(tables)
  const create = () => backups.create(ALICE.userNid, { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {} })
  for (let n = 0; n < 100; n++) await create()
  await assert.rejects(create(), TOO_MANY)
  await backups.delete(ALICE.userNid, '1')
  assert.equal(await create(), '101')
})

test('devices', async () => {
  await using server = await roomServer()
  const { db, devices, names } = server.storage
  const { id } = await server.user('alice')
  const user = { userId: id as UserId, userNid: (await names.find(id)) ?? 0 }
  const logIn = (deviceId: string) => server.accounts.sessions.open(user, { deviceId: deviceId as DeviceId })
  await db.write((batch) => {
    for (let n = 1; n < 4_999; n++) devices.add(batch, user.userNid, `D${n}` as DeviceId, null)
  })
  await logIn('LAST')
  await assert.rejects(logIn('MORE'), TOO_MANY)
  await logIn('LAST')
})

const path = (name: string) => `directory/room/${encodeURIComponent(`#${name}:ours.test`)}`

test('aliases, of a room and of a user', async () => {
  await using server = await roomServer()
  const [alice, bob] = await server.users('alice', 'bob')
  const { db, aliases, names, rooms } = server.storage
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const other = await alice.createRoom()
  const [room, aliceNid] = [await rooms.find(roomId as RoomId), await names.find(alice.id)]
  assert.ok(room && aliceNid)
  const fill = (count: number, prefix: string, roomNid: number) =>
    db.write((batch) => {
      for (let n = 0; n < count; n++) aliases.add(batch, `#${prefix}${n}:ours.test` as RoomAlias, roomNid, aliceNid)
    })
  await fill(999, 'a', room.nid)
  await alice.ok('PUT', path('last'), { room_id: roomId })
  await bob.refused('M_TOO_LARGE', 'PUT', path('more'), { room_id: roomId })
  await alice.ok('DELETE', path('a0'))
  await fill(3_998, 'b', 1_000_000)
  await alice.ok('PUT', path('more'), { room_id: other })
  assert.equal(await aliases.countBy(aliceNid), 4_998)
  await alice.ok('POST', 'createRoom', { room_alias_name: 'new' })
  await fill(1, 'c', 1_000_000)
  await alice.refused('M_TOO_LARGE', 'PUT', path('yetmore'), { room_id: other })
  await alice.refused('M_TOO_LARGE', 'POST', 'createRoom', { room_alias_name: 'newer' })
  await bob.ok('PUT', path('hers'), { room_id: roomId })
})

test('of OpenID tokens the newest are kept', async () => {
  await using tables = await storage()
  const nids = await tables.names.resolve([ALICE.userId])
  let userNid = 0
  await tables.db.write((batch) => void (userNid = nids.nid(batch, ALICE.userId)))
  let now = 1_000_000
  const openId = new OpenId({ ...tables, clock: { ...systemClock, now: () => now++ } })
  const first = await openId.issue({ ...ALICE, userNid })
  const second = await openId.issue({ ...ALICE, userNid })
  for (let n = 0; n < 99; n++) await openId.issue({ ...ALICE, userNid })
  await assert.rejects(openId.ownerOf(first), { errcode: 'M_UNKNOWN_TOKEN' })
  assert.equal(await openId.ownerOf(second), ALICE.userId)
})

test('the lists of a new room have an end, and a user has an end of reports in a day', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const users = (count: number) => Array.from({ length: count }, (_, n) => `@u${n}:${hs.name}`)
  await alice.ok('POST', 'createRoom', { invite: users(200) })
  await alice.refused(400, 'M_BAD_JSON', 'POST', 'createRoom', { invite: users(201) })
  const state = Array.from({ length: 201 }, (_, n) => ({ type: 'org.example', state_key: String(n), content: {} }))
  await alice.refused(400, 'M_BAD_JSON', 'POST', 'createRoom', { initial_state: state })
  const report = () => alice.call('POST', `users/${bob.id}/report`, { reason: 'x' })
  await Promise.all(Array.from({ length: 200 }, report))
  assert.equal((await report()).body['errcode'], 'M_TOO_LARGE')
})
