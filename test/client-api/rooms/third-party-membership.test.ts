/** Invites by address and bindings of addresses, with an identity server and two homeservers. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { createDevCa } from '../../../src/core/dev-ca.ts'
import { type TestHomeserver, testFederation } from '../../support/homeserver.ts'
import { identityServer } from '../../support/identity-server.ts'
import type { SeenSync, TestUser } from '../../support/user.ts'

async function serversWithIdentity() {
  const stack = new AsyncDisposableStack()
  const authority = await createDevCa()
  const { certificatePem: cert, keyPem: key } = await authority.issue(['localhost'])
  const folder = await mkdtemp(join(tmpdir(), 'causeway-ca-'))
  stack.defer(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'ca.pem'), authority.certificatePem)
  const identity = stack.use(await identityServer({ cert, key }))
  const config = { outbound_http: { custom_ca_files: [join(folder, 'ca.pem')], ip_range_denylist: [] } }
  const [here, there] = stack.use(await testFederation(2, { config }))
  assert.ok(here && there)
  return { identity, here, there, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

type Servers = Awaited<ReturnType<typeof serversWithIdentity>>

const byAddress = ({ identity }: Servers, address: string) => ({
  id_server: identity.name,
  id_access_token: identity.accessToken,
  medium: 'email',
  address,
})

const inviteTo = (servers: Servers, roomId: string, address: string) =>
  [`rooms/${encodeURIComponent(roomId)}/invite`, byAddress(servers, address)] as const

const member = async (viewer: TestUser, roomId: string, userId: string): Promise<JsonObject> =>
  viewer.ok('GET', `rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`)

/** The identity server tells a homeserver that a user has proven to have an invited address. */
async function onBind({ identity }: Servers, hs: TestHomeserver, userId: string, method = 'PUT'): Promise<number> {
  const invites = identity.invites.map((invite, i) => ({
    ...invite,
    mxid: userId,
    signed: identity.signed(userId, `token ${i + 1}`),
  }))
  const response = await fetch(`${hs.url}/_matrix/federation/v1/3pid/onbind`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ medium: 'email', address: 'b@example.org', mxid: userId, invites }),
  })
  return response.status
}

test('who has bound the address is invited at once, here and elsewhere, also into a new room', async () => {
  await using servers = await serversWithIdentity()
  const { identity, here, there } = servers
  const [alice, bob, carol] = [await here.user('alice'), await here.user('bob'), await there.user('carol')]
  identity.bound.set('bob@example.org', bob.id).set('carol@example.org', carol.id)
  // An identity server that does not answer keeps nobody from the room, and not the others either.
  const inVain = { ...byAddress(servers, 'dave@example.org'), id_server: 'localhost:1' }
  const roomId = await alice.createRoom({ invite_3pid: [inVain, byAddress(servers, 'bob@example.org')], is_direct: true })
  const invited = await member(alice, roomId, bob.id)
  assert.deepEqual([invited['membership'], invited['is_direct']], ['invite', true])
  await alice.ok('POST', ...inviteTo(servers, roomId, 'carol@example.org'))
  assert.equal((await member(alice, roomId, carol.id))['membership'], 'invite')
  await carol.syncUntil(({ rooms }) => rooms.invite[roomId])
  assert.equal(identity.invites.length, 0)
})

test('somebody without an account is invited, and is in once they have one here', async () => {
  await using servers = await serversWithIdentity()
  const { identity, here } = servers
  const [alice, bob, eve] = await here.users('alice', 'bob', 'eve')
  const roomId = await alice.createRoom({ name: 'A room', preset: 'private_chat' })
  await alice.ok('POST', ...inviteTo(servers, roomId, 'b@example.org'))
  const { room_name: name, sender, room_id: room, medium } = identity.invites[0] ?? {}
  assert.deepEqual([name, sender, room, medium], ['A room', alice.id, roomId, 'email'])
  assert.equal(await onBind(servers, here, bob.id), 200)
  const content = await member(alice, roomId, bob.id)
  const third = content['third_party_invite'] as JsonObject
  assert.deepEqual([content['membership'], third['display_name']], ['invite', 'b...@e...'])
  assert.equal(await onBind(servers, here, bob.id, 'POST'), 200)
  await bob.join(roomId)
  await eve.refused(403, 'M_FORBIDDEN', 'POST', `join/${encodeURIComponent(roomId)}`, {})
})

test('the invited user of another server is invited by the server of who invited', async () => {
  await using servers = await serversWithIdentity()
  const { identity, here, there } = servers
  const [alice, bob, carol] = [await here.user('alice'), await there.user('bob'), await there.user('carol')]
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  await alice.ok('POST', ...inviteTo(servers, roomId, 'b@example.org'))
  assert.equal(await onBind(servers, there, bob.id), 200)
  const invite = await bob.syncUntil(({ rooms }) => rooms.invite[roomId])
  assert.ok(invite.invite_state.events.some((event) => event['state_key'] === alice.id))
  await bob.join(roomId)
  assert.equal((await member(alice, roomId, bob.id))['membership'], 'join')
  const otherRoom = await alice.createRoom({ preset: 'private_chat' })
  await alice.ok('POST', ...inviteTo(servers, otherRoom, 'c@example.org'))
  const signed = identity.signed(carol.id, 'token 2', { sender: alice.id })
  const path = `join/${encodeURIComponent(otherRoom)}?server_name=${here.name}`
  await bob.refused(403, 'M_FORBIDDEN', 'POST', path, { third_party_signed: signed })
  await carol.ok('POST', path, { third_party_signed: signed })
  assert.equal((await member(alice, otherRoom, carol.id))['membership'], 'join')
})

for (const version of ['1', '11', '12']) {
  test(`where a server is in the room already, it sends the invite of its user itself (room version ${version})`, async () => {
    await using servers = await serversWithIdentity()
    const { here, there } = servers
    const [alice, bob, carol] = [await here.user('alice'), await there.user('bob'), await there.user('carol')]
    const roomId = await alice.createRoom({ preset: 'private_chat', room_version: version, invite: [carol.id] })
    await carol.syncUntil(({ rooms }) => rooms.invite[roomId])
    await carol.join(roomId)
    await alice.ok('POST', ...inviteTo(servers, roomId, 'b@example.org'))
    await carol.syncUntil(({ rooms }) =>
      rooms.join[roomId]?.timeline.events.find(({ type }) => type === 'm.room.third_party_invite'),
    )
    assert.equal(await onBind(servers, there, bob.id), 200)
    assert.equal((await member(carol, roomId, bob.id))['membership'], 'invite')
    const invite = await alice.syncUntil(({ rooms }) =>
      rooms.join[roomId]?.timeline.events.find((event) => event['state_key'] === bob.id),
    )
    assert.equal(invite.sender, alice.id)
    const filter = encodeURIComponent(JSON.stringify({ event_format: 'federation' }))
    const { rooms } = (await alice.ok('GET', `sync?filter=${filter}`)) as unknown as SeenSync
    const pdu = rooms.join[roomId]?.timeline.events.find((event) => event['state_key'] === bob.id)
    assert.ok(Object.hasOwn(pdu?.['signatures'] as JsonObject, there.name))
    await bob.join(roomId)
    await alice.syncUntil(({ rooms: now }) =>
      now.join[roomId]?.timeline.events.find(({ sender, content }) => sender === bob.id && content['membership'] === 'join'),
    )
  })
}

test('an invite is not accepted with a revoked key, another token, or for another user', async () => {
  await using servers = await serversWithIdentity()
  const { identity, here, there } = servers
  const [alice, bob, mallory] = [await here.user('alice'), await here.user('bob'), await there.user('mallory')]
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  await alice.ok('POST', ...inviteTo(servers, roomId, 'b@example.org'))
  const path = `join/${encodeURIComponent(roomId)}`
  const signed = (userId: string, token: string) => identity.signed(userId, token, { sender: alice.id })
  const refused = (third: JsonObject) => bob.refused(403, 'M_FORBIDDEN', 'POST', path, { third_party_signed: third })
  await refused(signed(bob.id, 'token 9'))
  await refused(signed(mallory.id, 'token 1'))
  await refused({ ...signed(mallory.id, 'token 1'), mxid: bob.id })
  identity.revokeKey()
  assert.equal(await onBind(servers, here, bob.id), 403)
  await refused(signed(bob.id, 'token 1'))
  assert.equal((await bob.call('POST', ...inviteTo(servers, roomId, 'x@example.org'))).status, 403)
  assert.equal(identity.invites.length, 1)
})

test('addresses are bound and unbound, and all are unbound with the account', async () => {
  await using servers = await serversWithIdentity()
  const { identity, here } = servers
  const alice = await here.user('alice')
  const proof = { id_server: identity.name, id_access_token: identity.accessToken, sid: 'a session', client_secret: 'secret' }
  const address = { medium: 'email', address: 'proven@example.org' }
  await alice.ok('POST', 'account/3pid/bind', proof)
  assert.deepEqual([...identity.bound], [['proven@example.org', alice.id]])
  assert.deepEqual(await alice.ok('POST', 'account/3pid/unbind', address), { id_server_unbind_result: 'success' })
  assert.equal(identity.bound.size, 0)
  const again = await alice.ok('POST', 'account/3pid/unbind', { ...address, id_server: identity.name })
  assert.deepEqual(again, { id_server_unbind_result: 'no-support' })
  await alice.ok('POST', 'account/3pid/bind', proof)
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: "alice's password" }
  assert.deepEqual(await alice.ok('POST', 'account/deactivate', { auth }), { id_server_unbind_result: 'success' })
  assert.equal(identity.bound.size, 0)
  const bob = await here.user('bob')
  await bob.refused(400, 'M_INVALID_PARAM', 'POST', 'account/3pid/bind', { ...proof, id_server: 'not/a server' })
  for (const id_access_token of ['a\nb', '\u{1f511}', ''])
    await bob.refused(400, 'M_INVALID_PARAM', 'POST', 'account/3pid/bind', { ...proof, id_access_token })
  assert.equal((await bob.call('POST', 'account/3pid/bind', { ...proof, sid: 'another' })).status, 502)
})
