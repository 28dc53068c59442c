import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { FederationError } from '../../src/federation/errors.ts'
import { inTurn } from '../../src/federation/outbound/in-turn.ts'
import { Templates } from '../../src/federation/outbound/templates.ts'
import { FakeClock } from '../support/clock.ts'
import { newSigningKey } from '../support/remote-server.ts'

const SERVER = 'remote.test' as ServerName
const wanted = {
  roomId: '!room:remote.test' as RoomId,
  userId: '@u:ours.test' as UserId,
  membership: 'join' as const,
  content: { displayname: 'U' },
}
const template: JsonObject = {
  type: 'm.room.member',
  room_id: wanted.roomId,
  sender: wanted.userId,
  state_key: wanted.userId,
  content: { membership: 'join', displayname: 'Somebody else' },
  auth_events: [],
  prev_events: [],
  depth: 7,
}
const templates = new Templates({
  serverName: 'ours.test' as ServerName,
  signingKey: newSigningKey(),
  clock: new FakeClock(1_234),
})
const fill = (changes: JsonObject, version = '10') =>
  templates.fill(SERVER, { event: { ...template, ...changes }, room_version: version }, wanted)

test('a template becomes an event with our content, our time and our signature', () => {
  const event = fill({ content: { membership: 'join', join_authorised_via_users_server: '@a:remote.test' }, origin_server_ts: 1 })
  assert.deepEqual(event.content, {
    displayname: 'U',
    join_authorised_via_users_server: '@a:remote.test',
    membership: 'join',
  })
  assert.deepEqual([event.originServerTs, event.depth], [1_234, 7])
  assert.deepEqual(Object.keys(event.pdu['signatures'] ?? {}), ['ours.test'])
  assert.deepEqual(fill({}).content, { displayname: 'U', membership: 'join' })
})

for (const [name, changes] of Object.entries({
  'another type': { type: 'm.room.message' },
  'another room': { room_id: '!other:remote.test' },
  'another sender': { sender: '@admin:remote.test' },
  'another state key': { state_key: '@admin:ours.test' },
  'another membership': { content: { membership: 'ban' } },
  'no prev_events': { prev_events: 'none' },
} satisfies Record<string, JsonObject>)) {
  test(`a template with ${name} is not signed`, () => {
    assert.throws(
      () => fill(changes),
      (error) => error instanceof FederationError && error.failure === 'malformed',
    )
  })
}

test('a room version that is not known is not joined', () => {
  assert.throws(() => fill({}, 'org.example.99'), FederationError)
})

const refusal = (status: number, errcode: string) =>
  new FederationError(SERVER, 'refused', 'it said no', { status, body: { errcode, error: 'no' } })
const ask = (answers: Record<string, FederationError | string>) => {
  const asked: string[] = []
  const result = inTurn(Object.keys(answers) as ServerName[], async (server) => {
    asked.push(server)
    const answer = answers[server]
    if (answer instanceof FederationError) throw answer
    return answer
  })
  return { asked, result }
}

test('servers are asked one after another until one helps', async () => {
  const { asked, result } = ask({
    a: new FederationError(SERVER, 'unreachable', ''),
    b: refusal(404, 'M_NOT_FOUND'),
    c: 'yes',
    d: 'no',
  })
  assert.equal(await result, 'yes')
  assert.deepEqual(asked, ['a', 'b', 'c'])
})

test('what the last server said counts for more than that another was not there', async () => {
  const { result } = ask({ a: refusal(400, 'M_UNABLE_TO_GRANT_JOIN'), b: new FederationError(SERVER, 'unreachable', '') })
  await assert.rejects(result, { status: 400, errcode: 'M_UNABLE_TO_GRANT_JOIN' })
  await assert.rejects(ask({}).result, { status: 502 })
})

test('after a refusal for good nobody else is asked', async () => {
  const { asked, result } = ask({ a: refusal(403, 'M_FORBIDDEN'), b: 'yes' })
  await assert.rejects(result, { status: 403, errcode: 'M_FORBIDDEN' })
  assert.deepEqual(asked, ['a'])
})
