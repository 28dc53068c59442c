/** Rooms that hostile clients make and change, and rooms that they have nothing to do with. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import {
  type Attack,
  assertNone,
  changingNothing,
  clientEndpoints,
  repel,
  startWorld,
  textOf,
  urlOf,
  type World,
} from '../support/hostile.ts'
import type { Reply } from '../support/user.ts'

let world: World

before(async () => {
  world = await startWorld()
})
after(() => world[Symbol.asyncDispose]())

const repelled = (attacks: readonly Attack[]) => changingNothing(world, () => repel(world, attacks))

const NO_ROOM = `!${'A'.repeat(43)}`
const NO_EVENT = `$${'A'.repeat(43)}`

/** Good bodies for what asks for more than `{}`. */
const bodyFor = (path: string, event: string): JsonObject => {
  if (path.endsWith('/typing/:userId')) return { typing: true }
  if (path.endsWith('/upgrade')) return { new_version: '11' }
  if (path.endsWith('/report')) return { reason: 'none' }
  if (path.includes('/delayed_event/')) return { delay_ms: 60_000, content: {} }
  if (/\/(ban|unban|kick|invite)$/.test(path)) return { user_id: world.bob.id }
  return path.endsWith('/read_markers') ? { 'm.fully_read': event } : {}
}

/** They say by their specification whether the server knows a room. */
const TELLS = /\/(join|report|upgrade)$|\/knock\/|\/join\/|directory\/list\/room/

test('a room that one is not in looks like a room that there is not', async () => {
  const inRooms = clientEndpoints.filter(({ path }) => /:roomId\b/.test(path) && !TELLS.test(path))
  assert.ok(inRooms.length > 25, String(inRooms.length))
  const hidden = ({ status, body }: Reply) =>
    `${status} ${JSON.stringify(body)}`.replaceAll(world.foreignRoom, NO_ROOM).replaceAll(world.foreignEvent, NO_EVENT)
  await changingNothing(world, async () => {
    const wrong: string[] = []
    for (const endpoint of inRooms) {
      const { method, path, body } = endpoint
      const ask = (roomId: string, eventId: string) =>
        world.alice.call(method, urlOf(endpoint, world, { roomId, eventId }), body && bodyFor(path, eventId))
      const [foreign, none] = [await ask(world.foreignRoom, world.foreignEvent), await ask(NO_ROOM, NO_EVENT)]
      const isRefused = [403, 404].includes(foreign.status) || path.endsWith('/forget') || path.includes('room_keys')
      if (!isRefused || hidden(foreign) !== hidden(none)) wrong.push(`${method} ${path}: ${textOf(foreign)} or ${textOf(none)}`)
    }
    assertNone(wrong)
  })
})

test('nobody gets into a private room', async () => {
  const { alice, foreignRoom } = world
  const refused = { status: 403, errcode: 'M_FORBIDDEN' }
  const member = `rooms/${foreignRoom}/state/m.room.member/${alice.id}`
  await repelled([
    { what: 'join', method: 'POST', path: `join/${foreignRoom}`, body: {}, ...refused },
    {
      what: 'join with a signature',
      method: 'POST',
      path: `join/${foreignRoom}`,
      body: { third_party_signed: thirdParty() },
      ...refused,
    },
    { what: 'knock', method: 'POST', path: `knock/${foreignRoom}`, body: {}, ...refused },
    { what: 'join by state', method: 'PUT', path: member, body: { membership: 'join' }, ...refused },
    {
      what: 'join by leave of somebody',
      method: 'PUT',
      path: member,
      body: { membership: 'join', join_authorised_via_users_server: world.bob.id },
      ...refused,
    },
    { what: 'invite oneself', method: 'PUT', path: member, body: { membership: 'invite' }, ...refused },
  ])
})

const thirdParty = () => ({
  sender: world.bob.id,
  mxid: world.alice.id,
  token: 'x',
  signatures: { 'test.example': { 'ed25519:1': 'x' } },
})

test('state that clients do not set', async () => {
  const { alice, bob, room, foreignEvent, hs } = world
  const state = (what: string, path: string, body: JsonObject, status: number, errcode: string): Attack => {
    return { what, method: 'PUT', path: `rooms/${room}/${path}`, body, status, errcode }
  }
  await repelled([
    state('another create event', 'state/m.room.create', { room_version: '11' }, 403, 'M_FORBIDDEN'),
    state('somebody joins', `state/m.room.member/${bob.id}`, { membership: 'join' }, 403, 'M_FORBIDDEN'),
    state('somebody knocks', `state/m.room.member/${bob.id}`, { membership: 'knock' }, 403, 'M_FORBIDDEN'),
    state('no membership', `state/m.room.member/${alice.id}`, {}, 400, 'M_BAD_JSON'),
    state('unknown membership', `state/m.room.member/${alice.id}`, { membership: 'king' }, 400, 'M_BAD_JSON'),
    state('membership of a wrong type', `state/m.room.member/${alice.id}`, { membership: 1 }, 400, 'M_BAD_JSON'),
    state('a member that is no user', 'state/m.room.member/nobody', { membership: 'invite' }, 400, 'M_BAD_JSON'),
    state('a key that is a user', `state/org.example/${bob.id}`, {}, 403, 'M_FORBIDDEN'),
    state('levels that are text', 'state/m.room.power_levels', { ban: '50' }, 403, 'M_FORBIDDEN'),
    state('levels of nobody', 'state/m.room.power_levels', { users: { nobody: 5 } }, 403, 'M_FORBIDDEN'),
    state('a creator in the levels', 'state/m.room.power_levels', { users: { [alice.id]: 100 } }, 403, 'M_FORBIDDEN'),
    state('an alias of another room', 'state/m.room.canonical_alias', { alias: `#there:${hs.name}` }, 400, 'M_BAD_ALIAS'),
    state('an alias that is none', 'state/m.room.canonical_alias', { alias: 'here' }, 400, 'M_INVALID_PARAM'),
    state('a room that replaces itself', 'state/m.room.tombstone', { replacement_room: room }, 400, 'M_BAD_JSON'),
    state('a redaction elsewhere', `redact/${encodeURIComponent(foreignEvent)}/1`, {}, 400, 'M_INVALID_PARAM'),
    state('a redaction of nothing', `redact/${NO_EVENT}/1`, {}, 404, 'M_NOT_FOUND'),
    state('a redaction elsewhere, sent', 'send/m.room.redaction/2', { redacts: foreignEvent }, 400, 'M_INVALID_PARAM'),
    state('a redaction without a target', 'send/m.room.redaction/3', {}, 400, 'M_BAD_JSON'),
    state('a long type', `state/${'t'.repeat(256)}`, {}, 413, 'M_TOO_LARGE'),
    state('a long key', `state/t/${'k'.repeat(256)}`, {}, 413, 'M_TOO_LARGE'),
    state('a key that is long in bytes', `state/t/${'%C3%A9'.repeat(128)}`, {}, 413, 'M_TOO_LARGE'),
    state('a large event', 'send/t/4', { body: 'x'.repeat(65_536) }, 413, 'M_TOO_LARGE'),
    state('a large state event', 'state/t', { body: 'x'.repeat(65_536) }, 413, 'M_TOO_LARGE'),
  ])
})

const alias = (name: string): string => `directory/room/${encodeURIComponent(name)}`

test('aliases that cannot be had', async () => {
  const { room, foreignRoom, hs } = world
  await repelled([
    {
      what: 'elsewhere',
      method: 'PUT',
      path: alias('#new:elsewhere.test'),
      body: { room_id: room },
      status: 400,
      errcode: 'M_INVALID_PARAM',
    },
    {
      what: 'taken',
      method: 'PUT',
      path: alias(`#there:${hs.name}`),
      body: { room_id: room },
      status: 409,
      errcode: 'M_UNKNOWN',
    },
    {
      what: 'foreign room',
      method: 'PUT',
      path: alias(`#new:${hs.name}`),
      body: { room_id: foreignRoom },
      status: 403,
      errcode: 'M_FORBIDDEN',
    },
    {
      what: 'no room',
      method: 'PUT',
      path: alias(`#new:${hs.name}`),
      body: { room_id: NO_ROOM },
      status: 403,
      errcode: 'M_FORBIDDEN',
    },
    { what: "delete another's", method: 'DELETE', path: alias(`#there:${hs.name}`), status: 403, errcode: 'M_FORBIDDEN' },
    { what: 'delete elsewhere', method: 'DELETE', path: alias('#there:elsewhere.test'), status: 404, errcode: 'M_NOT_FOUND' },
  ])
})

const state = (type: string, content: JsonObject, stateKey = ''): JsonObject => ({ type, content, state_key: stateKey })

type Impossible = readonly [what: string, status: number, errcode: string, body: JsonObject]

const initial = (...events: JsonObject[]): JsonObject => ({ initial_state: events })
const creators = (list: JsonObject[string]): JsonObject => ({ creation_content: { additional_creators: list } })

/** Requests for rooms of each version that must fail as a whole. */
function impossibleRooms(version: string): Impossible[] {
  const { alice, bob, hs } = world
  const invalid = [400, 'M_INVALID_ROOM_STATE'] as const
  const always: Impossible[] = [
    ['create', ...invalid, initial(state('m.room.create', { creator: '@eve:test.example' }))],
    [
      'locked out',
      ...invalid,
      { ...initial(state('m.room.power_levels', { users: { [alice.id]: 0 }, state_default: 100 })), name: 'x' },
    ],
    ['levels of nobody', ...invalid, initial(state('m.room.power_levels', { users: { nobody: 100 } }))],
    ['levels in a list', ...invalid, { power_level_content_override: { users: [1] } }],
    ['a join', ...invalid, initial(state('m.room.member', { membership: 'join' }, bob.id))],
    ['an invite', ...invalid, initial(state('m.room.member', { membership: 'invite' }, bob.id))],
    ['the creator leaves', ...invalid, initial(state('m.room.member', { membership: 'leave' }, alice.id))],
    ['nobody is invited', ...invalid, initial(state('m.room.member', { membership: 'invite' }, 'nobody'))],
    ['oneself is invited', ...invalid, { invite: [alice.id] }],
    ['alias elsewhere', 400, 'M_BAD_ALIAS', initial(state('m.room.canonical_alias', { alias: `#there:${hs.name}` }))],
    ['long type', 413, 'M_TOO_LARGE', initial(state('t'.repeat(256), {}))],
    ['large event', 413, 'M_TOO_LARGE', initial(state('t', { body: 'x'.repeat(65_536) }))],
    ['alias with a NUL', 400, 'M_INVALID_PARAM', { room_alias_name: 'new\0' }],
    ['long alias', 400, 'M_INVALID_PARAM', { room_alias_name: 'n'.repeat(256) }],
    ['taken alias', 400, 'M_ROOM_IN_USE', { room_alias_name: 'there' }],
    ['bad invitee', 400, 'M_BAD_JSON', { invite: ['bob'] }],
    ['too many invites', 400, 'M_BAD_JSON', { invite: manyUsers(201) }],
  ]
  if (version !== '12') return always
  return [
    ...always,
    ['creator with a level', ...invalid, { power_level_content_override: { users: { [alice.id]: 100 } } }],
    [
      'other creator with a level',
      ...invalid,
      { ...creators([bob.id]), power_level_content_override: { users: { [bob.id]: 1 } } },
    ],
    ['creators that are no users', 400, 'M_BAD_JSON', creators(['bob'])],
    ['creators that are no list', 400, 'M_BAD_JSON', creators('bob')],
    ['too many creators', 413, 'M_TOO_LARGE', creators(manyUsers(5_000))],
  ]
}

const manyUsers = (count: number): string[] => Array.from({ length: count }, (_, i) => `@user${i}:test.example`)

test('rooms that cannot be made leave nothing behind', async () => {
  for (const version of ['1', '5', '6', '10', '11', '12'])
    await repelled(
      impossibleRooms(version).map(([what, status, errcode, body]) => {
        return {
          what: `${what} (${version})`,
          method: 'POST',
          path: 'createRoom',
          body: { ...body, room_version: version },
          status,
          errcode,
        }
      }),
    )
  for (const version of ['', '0', '01', '1.0', ' 1', '13', '__proto__', 'constructor'])
    await world.alice.refused(400, 'M_UNSUPPORTED_ROOM_VERSION', 'POST', 'createRoom', { room_version: version })
})

test('a room with as many invites as may be is one room with all of them', async () => {
  const { alice } = world
  const roomId = await alice.createRoom({ invite: manyUsers(200) })
  const { chunk } = await alice.ok('GET', `rooms/${roomId}/members?membership=invite`)
  assert.ok(Array.isArray(chunk) && chunk.length === 200)
  await alice.leave(roomId)
})
