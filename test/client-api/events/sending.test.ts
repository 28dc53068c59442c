import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Reply, roomServer } from '../../support/room-server.ts'
import { stateOf, timelineOf } from '../../support/rooms.ts'

test('a request that is repeated sends one event', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const [room, other] = [await alice.createRoom(), await alice.createRoom()]
  const path = `rooms/${room}/send/m.room.message/t1`
  const [first, second] = await Promise.all([alice.ok('PUT', path, { body: 'hello' }), alice.ok('PUT', path, { body: 'hello' })])
  assert.deepEqual(first, second)
  assert.deepEqual(await alice.ok('PUT', path, { body: 'hello' }), first)
  const event = await alice.ok('GET', `rooms/${room}/event/${String(first['event_id'])}`)
  assert.equal(Object(event['unsigned'])['transaction_id'], 't1')
  assert.notDeepEqual(await alice.ok('PUT', `rooms/${other}/send/m.room.message/t1`, { body: 'hello' }), first)
  assert.notDeepEqual(await alice.ok('POST', `rooms/${room}/send/m.room.message`, { body: 'hello' }), first)
})

test('only members send, and what is too much is refused', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom()
  const path = `rooms/${room}/send/m.room.message/1`
  await bob.refused('M_FORBIDDEN', 'PUT', path, { body: 'hello' })
  await alice.refused('M_TOO_LARGE', 'PUT', path, { body: 'x'.repeat(65_000) })
  await alice.refused('M_TOO_LARGE', 'PUT', `rooms/${room}/send/${'t'.repeat(256)}/1`, {})
  for (const number of ['1.5', '1.0', '1e3', '9007199254740993', '-0'])
    await alice.refused('M_BAD_JSON', 'PUT', path, `{"body":"hello","n":${number}}`)
  await alice.refused('M_NOT_JSON', 'PUT', path, '{"body":')
  await alice.refused('M_FORBIDDEN', 'PUT', `rooms/!nowhere:ours.test/send/m.room.message/1`, {})
  const old = await alice.createRoom({ room_version: '5' })
  await alice.ok('PUT', `rooms/${old}/send/m.room.message/1`, '{"n":1.5}')
})

test('state is set once', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const first = await alice.ok('PUT', `rooms/${room}/state/org.example.a`, { key: 'value' })
  assert.deepEqual(await alice.ok('PUT', `rooms/${room}/state/org.example.a/`, { key: 'value' }), first)
  await bob.refused('M_FORBIDDEN', 'PUT', `rooms/${room}/state/org.example.a`, { key: 'value' })
  await alice.refused('M_FORBIDDEN', 'PUT', `rooms/${room}/state/org.example.a/${bob.id}`, {})
  await alice.refused('M_FORBIDDEN', 'PUT', `rooms/${room}/state/m.room.create`, { room_version: '11' })
})

test('users redact what they have sent, and moderators what anybody has', async () => {
  await using hs = await roomServer()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  for (const version of ['1', '10', '11', '12']) {
    const room = await alice.createRoom({ preset: 'public_chat', room_version: version })
    await bob.join(room)
    await carol.join(room)
    const first: string = await bob.send(room, 'one')
    const second: string = await bob.send(room, 'two')
    await carol.refused('M_FORBIDDEN', 'PUT', `rooms/${room}/redact/${first}/1`, {})
    const own: Reply = await bob.ok('PUT', `rooms/${room}/redact/${first}/1`, { reason: 'Oops' })
    assert.deepEqual(await bob.ok('PUT', `rooms/${room}/redact/${first}/1`, { reason: 'Oops' }), own)
    const redacted: Reply = await carol.ok('GET', `rooms/${room}/event/${first}`)
    assert.deepEqual(redacted['content'], {})
    assert.equal(Object(redacted['unsigned'])['redacted_because']['content']['reason'], 'Oops')
    assert.equal(Object(redacted['unsigned'])['redacted_because']['redacts'], first)
    const sent = await alice.ok('PUT', `rooms/${room}/send/m.room.redaction/2`, { redacts: second, reason: 'Rude' })
    assert.deepEqual((await carol.ok('GET', `rooms/${room}/event/${second}`))['content'], {})
    const redaction: Reply = await carol.ok('GET', `rooms/${room}/event/${String(sent['event_id'])}`)
    assert.equal(redaction['redacts'], second)
    assert.deepEqual(redaction['content'], { reason: 'Rude', redacts: second })
  }
})

test('an event of another room is not redacted', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const sent = await alice.send(await alice.createRoom(), 'test')
  const room = await bob.createRoom()
  assert.equal((await bob.call('PUT', `rooms/${room}/redact/${sent}/1`, {})).status, 400)
  await bob.refused('M_NOT_FOUND', 'PUT', `rooms/${room}/redact/$${'A'.repeat(43)}/1`, {})
  await bob.refused('M_BAD_JSON', 'PUT', `rooms/${room}/send/m.room.redaction/1`, { reason: 'no target' })
})

test('a suspended user may redact their own events and leave, and no more', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const [theirs, own] = [await alice.send(room, 'hello'), await bob.send(room, 'hello')]
  await hs.accounts.moderation.setSuspended(bob.id as never, true)
  await bob.refused('M_USER_SUSPENDED', 'PUT', `rooms/${room}/send/m.room.message/1`, {})
  await bob.refused('M_USER_SUSPENDED', 'PUT', `rooms/${room}/state/m.room.name`, {})
  await bob.refused('M_USER_SUSPENDED', 'PUT', `rooms/${room}/redact/${theirs}/1`, {})
  await bob.refused('M_USER_SUSPENDED', 'POST', 'createRoom', {})
  await bob.refused('M_USER_SUSPENDED', 'POST', `join/${room}`, {})
  await bob.ok('PUT', `rooms/${room}/redact/${own}/1`, {})
  await bob.ok('POST', `rooms/${room}/leave`, {})
})

test('a canonical alias must be one that points to the room', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom({ room_alias_name: 'here' })
  await alice.createRoom({ room_alias_name: 'there' })
  const path = `rooms/${room}/state/m.room.canonical_alias`
  const set = { alias: '#here:ours.test' }
  await alice.ok('PUT', path, { ...set, alt_aliases: ['#here:ours.test'] })
  await alice.refused('M_BAD_ALIAS', 'PUT', path, { alias: '#not-here:ours.test' })
  await alice.refused('M_INVALID_PARAM', 'PUT', path, { alias: '%here:ours.test' })
  await alice.refused('M_BAD_ALIAS', 'PUT', path, { ...set, alt_aliases: ['#there:ours.test'] })
  await alice.refused('M_BAD_ALIAS', 'PUT', path, { ...set, alt_aliases: ['#any:elsewhere.test'] })
  await alice.refused('M_INVALID_PARAM', 'PUT', path, { ...set, alt_aliases: ['here'] })
  await alice.ok('PUT', path, {})
  assert.deepEqual(await stateOf(hs, room, 'm.room.canonical_alias'), {})
  assert.equal((await timelineOf(hs, room)).filter(({ type }) => type === 'm.room.canonical_alias').length, 3)
})
