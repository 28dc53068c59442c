/** What /versions promises under names of proposals is tried here, name by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { adminOf } from '../../support/hostile.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'

const UNSTABLE = '/_matrix/client/unstable'

interface World {
  readonly alice: TestUser
  readonly bob: TestUser
  readonly admin: TestUser
  /** With both of them in it. */
  readonly room: string
  /** Of Alice, with a thread and an edit of hers. */
  readonly root: string
}

type Probe = (world: World) => Promise<void>

const at = (room: string) => `rooms/${encodeURIComponent(room)}`
const relatedTo = (root: string, relType: string) => ({
  msgtype: 'm.text',
  body: relType,
  'm.relates_to': { rel_type: relType, event_id: root },
})
const bodies = ({ chunk }: JsonObject) => (chunk as { content: { body: string } }[]).map(({ content }) => content.body)

const readsField: Probe = async ({ alice }) => {
  await alice.ok('PUT', `profile/${alice.id}/m.tz`, { 'm.tz': 'Europe/London' })
  assert.deepEqual(await alice.ok('GET', `${UNSTABLE}/uk.tcpip.msc4133/profile/${alice.id}/m.tz`), { 'm.tz': 'Europe/London' })
}

const threads: Probe = async ({ alice, room, root }) => {
  assert.deepEqual(bodies(await alice.ok('GET', `/_matrix/client/v1/${at(room)}/threads`)), ['root'])
  const related = await alice.ok('GET', `/_matrix/client/v1/${at(room)}/relations/${encodeURIComponent(root)}/m.thread?dir=f`)
  assert.deepEqual(bodies(related), ['m.thread'])
}

const threadCounts: Probe = async ({ alice, bob, room, root }) => {
  const timeline = { unread_thread_notifications: true }
  const filter = encodeURIComponent(JSON.stringify({ room: { timeline } }))
  const counts = async () => {
    const { rooms } = (await bob.ok('GET', `sync?filter=${filter}`)) as { rooms: { join: Record<string, JsonObject> } }
    return rooms.join[room]?.['unread_thread_notifications'] ?? {}
  }
  const unread = await alice.send(room, relatedTo(root, 'm.thread'))
  assert.deepEqual(Object.keys(await counts()), [root])
  await bob.ok('POST', `${at(room)}/receipt/m.read/${encodeURIComponent(unread)}`, { thread_id: root })
  assert.deepEqual(await counts(), {})
}

const mutualRooms: Probe = async ({ alice, bob, room }) => {
  for (const path of [`${UNSTABLE}/uk.half-shot.msc2666/user/mutual_rooms`, '/_matrix/client/v1/mutual_rooms'])
    assert.deepEqual((await alice.ok('GET', `${path}?user_id=${bob.id}`))['joined'], [room])
}

const loginToken: Probe = async ({ alice }) => {
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.id }, password: "alice's password" }
  const { login_token: token } = await alice.ok('POST', '/_matrix/client/v1/login/get_token', { auth })
  assert.equal((await alice.ok('POST', 'login', { type: 'm.login.token', token: token ?? '' }))['user_id'], alice.id)
}

const suspension: Probe = async ({ admin, bob }) => {
  for (const [name, wanted] of [
    ['suspend', { suspended: true }],
    ['suspend', { suspended: false }],
    ['lock', { locked: false }],
  ] as const)
    assert.deepEqual(await admin.ok('PUT', `${UNSTABLE}/uk.timedout.msc4323/admin/${name}/${bob.id}`, wanted), wanted)
}

const crossSigning: Probe = async ({ alice, bob }) => {
  assert.deepEqual(await alice.ok('POST', `${UNSTABLE}/keys/signatures/upload`, {}), { failures: {} })
  assert.ok('master_keys' in (await alice.ok('POST', 'keys/query', { device_keys: { [bob.id]: [] } })))
}

const PROBES: Record<string, Probe> = {
  'org.matrix.simplified_msc3575': async ({ alice }) => {
    assert.ok('pos' in (await alice.ok('POST', `${UNSTABLE}/org.matrix.simplified_msc3575/sync`, {})))
  },
  'chat.causeway.sync_socket': async ({ alice }) => {
    await alice.refused(426, 'M_UNRECOGNIZED', 'GET', `${UNSTABLE}/chat.causeway/sync`)
  },
  'org.matrix.msc4222': async ({ alice, room }) => {
    const { rooms } = (await alice.ok('GET', 'sync?org.matrix.msc4222.use_state_after=true')) as {
      rooms: { join: Record<string, JsonObject> }
    }
    assert.ok('org.matrix.msc4222.state_after' in (rooms.join[room] ?? {}))
  },
  'org.matrix.msc4380.stable': async ({ alice, bob }) => {
    const path = `user/${bob.id}/account_data/m.invite_permission_config`
    await bob.ok('PUT', path, { default_action: 'block' })
    await alice.refused(403, 'M_INVITE_BLOCKED', 'POST', 'createRoom', { invite: [bob.id] })
    await bob.ok('PUT', path, {})
  },
  'org.matrix.msc4155': async ({ alice, bob }) => {
    const path = `user/${bob.id}/account_data/org.matrix.msc4155.invite_permission_config`
    await bob.ok('PUT', path, { blocked_users: ['@alice:*'] })
    await alice.refused(403, 'M_INVITE_BLOCKED', 'POST', 'createRoom', { invite: [bob.id] })
    await bob.ok('PUT', path, {})
  },
  'org.matrix.msc3814': async ({ alice }) => {
    await alice.refused(404, 'M_NOT_FOUND', 'GET', `${UNSTABLE}/org.matrix.msc3814.v1/dehydrated_device`)
  },
  'org.matrix.msc4354': async ({ alice, room }) => {
    const path = `${at(room)}/send/m.rtc.member/sticky?org.matrix.msc4354.sticky_duration_ms=60000`
    const { event_id: eventId } = await alice.ok('PUT', path, {})
    const event = await alice.ok('GET', `${at(room)}/event/${encodeURIComponent(String(eventId))}`)
    assert.deepEqual(event['msc4354_sticky'], { duration_ms: 60_000 })
  },
  'org.matrix.msc4284': async ({ alice }) => {
    const room = await alice.createRoom()
    const type = 'org.matrix.msc4284.policy'
    const policyServer = { via: alice.id.split(':')[1] ?? '', public_key: 'A'.repeat(43) }
    await alice.setState(room, type, policyServer)
    await alice.refused(502, 'M_UNKNOWN', 'PUT', `${at(room)}/state/m.room.topic`, { topic: 'unsigned' })
    await alice.setState(room, type, {})
    await alice.setState(room, 'm.room.topic', { topic: 'for nobody to sign' })
  },
  'org.matrix.msc4140': async ({ alice, room }) => {
    const path = `${at(room)}/send/m.room.message/later?org.matrix.msc4140.delay=100000`
    const { delay_id: delayId } = await alice.ok('PUT', path, { msgtype: 'm.text', body: 'later' })
    await alice.ok('POST', `${UNSTABLE}/org.matrix.msc4140/delayed_events/${String(delayId)}`, { action: 'cancel' })
  },
  'org.matrix.msc4143': async ({ alice }) => {
    assert.deepEqual(await alice.ok('GET', `${UNSTABLE}/org.matrix.msc4143/rtc/transports`), { rtc_transports: [] })
  },
  'uk.tcpip.msc4133': readsField,
  'uk.tcpip.msc4133.stable': readsField,
  'us.cloke.msc4175': readsField,
  'us.cloke.msc4175.stable': readsField,
  'org.matrix.msc4429': async ({ alice, bob }) => {
    const filter = encodeURIComponent(JSON.stringify({ 'org.matrix.msc4429.profile_fields': { ids: ['org.example.status'] } }))
    const { next_batch: since } = await bob.ok('GET', `sync?filter=${filter}`)
    await alice.ok('PUT', `profile/${alice.id}/org.example.status`, { 'org.example.status': 'away' })
    const answer = await bob.ok('GET', `sync?filter=${filter}&since=${String(since)}`)
    const updates = { profile_updates: { 'org.example.status': 'away' } }
    assert.deepEqual(answer['org.matrix.msc4429.users'], { [alice.id]: updates })
  },
  'org.matrix.msc4262': async ({ alice, bob }) => {
    const lists = { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } }
    const name = 'org.matrix.msc4262.profiles'
    const body = { lists, extensions: { [name]: { enabled: true, fields: ['displayname'] } } }
    const { extensions } = await bob.ok('POST', `${UNSTABLE}/org.matrix.simplified_msc3575/sync`, body)
    assert.deepEqual(Object(extensions)[name].users[alice.id], { updated: { displayname: 'alice' } })
  },
  'org.matrix.msc3440.stable': threads,
  'org.matrix.msc3856.stable': threads,
  'org.matrix.msc3771': threadCounts,
  'org.matrix.msc3773': threadCounts,
  'org.matrix.msc2285.stable': async ({ bob, room, root }) => {
    await bob.ok('POST', `${at(room)}/receipt/m.read.private/${encodeURIComponent(root)}`, {})
    await bob.ok('POST', `${at(room)}/read_markers`, { 'm.read.private': root })
  },
  'org.matrix.msc4306': async ({ bob, room, root }) => {
    const path = `${UNSTABLE}/io.element.msc4306/rooms/${encodeURIComponent(room)}/thread/${encodeURIComponent(root)}/subscription`
    await bob.ok('PUT', path, {})
    assert.deepEqual(await bob.ok('GET', path), { automatic: false })
    const rule = await bob.ok('GET', 'pushrules/global/postcontent/.io.element.msc4306.rule.unsubscribed_thread')
    assert.deepEqual([rule['enabled'], rule['actions']], [true, []])
    await bob.ok('DELETE', path)
  },
  'org.matrix.msc3715.stable': async ({ alice, room, root }) => {
    const path = `/_matrix/client/v1/${at(room)}/relations/${encodeURIComponent(root)}`
    const forwards = bodies(await alice.ok('GET', `${path}?dir=f`))
    assert.deepEqual(bodies(await alice.ok('GET', `${path}?dir=b`)), forwards.toReversed())
  },
  'org.matrix.msc3981': async ({ alice, room, root }) => {
    const path = `/_matrix/client/v1/${at(room)}/relations/${encodeURIComponent(root)}`
    assert.ok(bodies(await alice.ok('GET', `${path}?recurse=true`)).includes('m.reference'))
    assert.ok(!bodies(await alice.ok('GET', path)).includes('m.reference'))
  },
  'org.matrix.msc3827.stable': async ({ alice }) => {
    await alice.createRoom({ visibility: 'public', name: 'space', creation_content: { type: 'm.space' } })
    await alice.createRoom({ visibility: 'public', name: 'room' })
    const { chunk } = await alice.ok('POST', 'publicRooms', { filter: { room_types: ['m.space'] } })
    assert.deepEqual(
      (chunk as JsonObject[]).map(({ name, room_type: type }) => [name, type]),
      [['space', 'm.space']],
    )
  },
  'org.matrix.msc3030': async ({ alice, room }) => {
    for (const prefix of [`${UNSTABLE}/org.matrix.msc3030`, '/_matrix/client/v1'])
      assert.ok('event_id' in (await alice.ok('GET', `${prefix}/${at(room)}/timestamp_to_event?ts=0&dir=f`)))
  },
  'com.beeper.msc4446': async ({ bob, room, root }) => {
    for (const event of [await bob.send(room, 'later'), root])
      await bob.ok('POST', `${at(room)}/read_markers`, { 'm.fully_read': event, 'com.beeper.allow_backward': true })
    assert.deepEqual(await bob.ok('GET', `user/${bob.id}/${at(room)}/account_data/m.fully_read`), { event_id: root })
  },
  'org.matrix.msc3881': async ({ alice }) => {
    const names = { app_display_name: 'Mail', device_display_name: 'Mail', lang: 'en', data: {} }
    const pusher = { ...names, app_id: 'm.email', pushkey: 'a@example.org', kind: 'email', 'org.matrix.msc3881.enabled': false }
    await alice.ok('POST', 'pushers/set', pusher)
    const pushers = [{ ...pusher, 'org.matrix.msc3881.device_id': alice.deviceId }]
    assert.deepEqual(await alice.ok('GET', 'pushers'), { pushers })
  },
  'org.matrix.msc4028': async ({ alice }) => {
    const path = 'pushrules/global/override/.org.matrix.msc4028.encrypted_event/enabled'
    assert.deepEqual(await alice.ok('GET', path), { enabled: false })
    await alice.ok('PUT', path, { enabled: true })
    assert.deepEqual(await alice.ok('GET', path), { enabled: true })
  },
  'org.matrix.msc3912': async ({ alice }) => {
    const room = await alice.createRoom()
    const target = await alice.send(room, 'target')
    await alice.send(room, relatedTo(target, 'm.thread'))
    const path = `${at(room)}/redact/${encodeURIComponent(target)}/t`
    await alice.ok('PUT', path, { 'org.matrix.msc3912.with_relations': ['m.thread'] })
    assert.deepEqual(await alice.messages(room), [])
  },
  'fi.mau.msc2815': async ({ alice, bob, room }) => {
    const target = encodeURIComponent(await bob.send(room, 'rude'))
    await bob.ok('PUT', `${at(room)}/redact/${target}/t`, {})
    const path = `${at(room)}/event/${target}?fi.mau.msc2815.include_unredacted_content=true`
    assert.equal(Object((await alice.ok('GET', path))['content'])['body'], 'rude')
    await bob.refused(403, 'M_FORBIDDEN', 'GET', path)
  },
  'org.matrix.msc3391': async ({ alice }) => {
    await alice.ok('PUT', `user/${alice.id}/account_data/a`, { b: 'c' })
    await alice.ok('DELETE', `${UNSTABLE}/org.matrix.msc3391/user/${alice.id}/account_data/a`)
    await alice.refused(404, 'M_NOT_FOUND', 'GET', `user/${alice.id}/account_data/a`)
  },
  'org.matrix.msc3882': loginToken,
  'uk.half-shot.msc2666.query_mutual_rooms': mutualRooms,
  'uk.half-shot.msc2666.query_mutual_rooms.stable': mutualRooms,
  'uk.timedout.msc4323': suspension,
  'org.matrix.e2e_cross_signing': crossSigning,
  'com.beeper.msc4169': async ({ alice }) => {
    for (const version of ['10', '11']) {
      const room = await alice.createRoom({ room_version: version })
      const target = await alice.send(room, 'a mistake')
      const redaction = await alice.send(room, { redacts: target, reason: 'wrong' }, 'm.room.redaction')
      const { content, unsigned } = await alice.ok('GET', `${at(room)}/event/${encodeURIComponent(target)}`)
      assert.deepEqual([content, Object(unsigned)['redacted_because'].event_id], [{}, redaction])
    }
  },
}

test('every feature that is promised is served', async (t) => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const root = await alice.send(room, 'root')
  const reply = await alice.send(room, relatedTo(root, 'm.thread'))
  await alice.send(room, relatedTo(reply, 'm.reference'))
  const world = { alice, bob, admin: await adminOf(hs), room, root }
  const { unstable_features: features } = await alice.ok('GET', '/_matrix/client/versions')
  assert.deepEqual(Object.keys(Object(features)).toSorted(), Object.keys(PROBES).toSorted())
  for (const [name, probe] of Object.entries(PROBES)) await t.test(name, () => probe(world))
})
