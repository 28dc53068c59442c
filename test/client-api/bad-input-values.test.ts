/** Values that are refused, and that change nothing. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { type Attack, assertNone, changingNothing, repel, startWorld, textOf, type World } from '../support/hostile.ts'

let world: World

before(async () => {
  world = await startWorld()
})
after(() => world[Symbol.asyncDispose]())

const repelled = (attacks: readonly Attack[]) => changingNothing(world, () => repel(world, attacks))
const enc = encodeURIComponent

test('tokens that no server has given out', async () => {
  const { room, event } = world
  const tokens = [
    's',
    'x',
    's1.5',
    's1e3',
    't1-2',
    's00000000000000000001',
    's99999999999999999',
    's 1',
    's1\n',
    '\0',
    '-1',
    '10',
    'n1_1',
  ]
  const places = [
    (token: string) => `sync?since=${token}`,
    (token: string) => `rooms/${room}/messages?dir=b&from=${token}`,
    (token: string) => `rooms/${room}/messages?dir=f&to=${token}`,
    (token: string) => `rooms/${room}/members?at=${token}`,
    (token: string) => `/_matrix/client/v1/rooms/${room}/relations/${event}?from=${token}`,
    (token: string) => `publicRooms?since=${token === 'n1_1' ? 's5' : token}`,
  ]
  await repelled(
    tokens.flatMap((token) =>
      places.map((place) => ({ what: token, method: 'GET', path: place(enc(token)), status: 400, errcode: 'M_INVALID_PARAM' })),
    ),
  )
})

test('positions before the beginning and after the end', async () => {
  const { alice, room } = world
  const now = await alice.ok('GET', 'sync')
  for (const future of ['s9007199254740991', 's99999999']) {
    const synced = await alice.ok('GET', `sync?since=${future}`)
    assert.equal(synced['next_batch'], now['next_batch'], 'no token comes from the future')
    const { chunk } = await alice.ok('GET', `rooms/${room}/messages?dir=f&from=${future}`)
    assert.deepEqual(chunk, [])
    const back = await alice.ok('GET', `rooms/${room}/messages?dir=b&from=${future}&limit=1000`)
    assert.ok(Array.isArray(back['chunk']) && back['chunk'].length > 5)
  }
  for (const past of ['s-9007199254740991', 's-1', 's0']) {
    const { rooms } = await alice.sync({ since: past })
    assert.ok(rooms.join[room], `since ${past} everything is new`)
    assert.deepEqual((await alice.ok('GET', `rooms/${room}/messages?dir=b&from=${past}`))['chunk'], [])
    assert.deepEqual((await alice.ok('GET', `rooms/${room}/members?at=${past}`))['chunk'], [])
  }
})

test('limits beyond all bounds', async () => {
  const { alice, room, event } = world
  const all = await alice.ok('GET', `rooms/${room}/messages?dir=b&limit=1000`)
  for (const limit of ['1001', '9007199254740991']) {
    const page = await alice.ok('GET', `rooms/${room}/messages?dir=b&limit=${limit}`)
    assert.equal((page['chunk'] as unknown[]).length, (all['chunk'] as unknown[]).length)
    const filter = enc(`{"room":{"timeline":{"limit":${limit}}}}`)
    for (const path of [`rooms/${room}/context/${event}?limit=${limit}`, `publicRooms?limit=${limit}`, `sync?filter=${filter}`])
      await alice.ok('GET', path)
  }
  assert.deepEqual((await alice.ok('GET', `rooms/${room}/messages?dir=b&limit=0`))['chunk'], [])
})

test('filters that are none', async () => {
  const { alice, room } = world
  const odd: [filter: string, errcode: string][] = [
    ['{', 'M_NOT_JSON'],
    ['{"room":5}', 'M_BAD_JSON'],
    ['{"room":{"rooms":"x"}}', 'M_BAD_JSON'],
    ['{"room":{"timeline":{"limit":-1}}}', 'M_BAD_JSON'],
    ['{"room":{"timeline":{"limit":1e400}}}', 'M_BAD_JSON'],
    ['{"event_fields":[1]}', 'M_BAD_JSON'],
    ['{"presence":{"types":{}}}', 'M_BAD_JSON'],
    [`{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`, 'M_NOT_JSON'],
  ]
  await repelled(
    odd.flatMap(([filter, errcode]): Attack[] => [
      { what: 'sync', method: 'GET', path: `sync?filter=${enc(filter)}`, status: 400, errcode },
      ...(filter.startsWith('{"a"')
        ? []
        : [{ what: 'define', method: 'POST', path: `user/${alice.id}/filter`, body: filter, status: 400, errcode }]),
    ]),
  )
  const named = ['nope', '0', '-1', '99', '1.0', '[]', ' 1', '__proto__', 'constructor']
  const ofRoom = ['{', '[]', '5', 'null', 'nope'].map((text) => ({
    text,
    errcode: /^[[5n]/.test(text) && text !== 'nope' ? 'M_BAD_JSON' : 'M_NOT_JSON',
  }))
  await repelled([
    ...named.map((id) => ({
      what: 'id',
      method: 'GET',
      path: `sync?filter=${enc(id)}`,
      status: 400,
      errcode: 'M_INVALID_PARAM',
    })),
    ...named.map((id) => ({
      what: 'id',
      method: 'GET',
      path: `user/${alice.id}/filter/${enc(id)}`,
      status: 404,
      errcode: 'M_NOT_FOUND',
    })),
    ...ofRoom.map(({ text, errcode }) => {
      return { what: text, method: 'GET', path: `rooms/${room}/messages?dir=b&filter=${enc(text)}`, status: 400, errcode }
    }),
  ])
})

test('numbers and text that events cannot hold', async () => {
  const { room } = world
  const content = [
    '1.5',
    '1.0',
    '1e3',
    '-0',
    '1e999',
    '9007199254740992',
    '-9007199254740992',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '{"\\ud800":1}',
    '[[[0.1]]]',
  ]
  await repelled(
    content.flatMap((value) =>
      ['PUT send/t/x', 'POST send/t', 'PUT state/t', 'PUT state/t/k'].map((where) => {
        const [method = '', path = ''] = where.split(' ')
        return { what: value, method, path: `rooms/${room}/${path}`, body: `{"a":${value}}`, status: 400, errcode: 'M_BAD_JSON' }
      }),
    ),
  )
  await repelled(
    content.map((value) => {
      const body = `{"initial_state":[{"type":"t","content":{"a":${value}}}]}`
      return { what: value, method: 'POST', path: 'createRoom', body, status: 400, errcode: 'M_BAD_JSON' }
    }),
  )
  const { alice } = world
  const old = await alice.createRoom({ room_version: '5' })
  const { event_id: eventId } = await alice.ok('PUT', `rooms/${old}/send/t/x`, '{"a":1.5,"b":123456789012345678901234567890}')
  assert.equal(Object((await alice.ok('GET', `rooms/${old}/event/${String(eventId)}`))['content'])['a'], 1.5)
  for (const value of ['1e999', '"\\ud800"'])
    await alice.refused(400, 'M_BAD_JSON', 'PUT', `rooms/${old}/send/t/y`, `{"a":${value}}`)
})

test('profiles that are too much', async () => {
  const { alice, bob } = world
  const set = (what: string, field: string, body: JsonObject | string, status = 400, errcode = 'M_INVALID_PARAM'): Attack => {
    return { what, method: 'PUT', path: `profile/${alice.id}/${enc(field)}`, body, status, errcode }
  }
  await repelled([
    set('long name', 'displayname', { displayname: 'x'.repeat(257) }),
    set('very long name', 'displayname', { displayname: 'x'.repeat(100_000) }),
    set('half a character', 'displayname', '{"displayname":"\\ud800"}'),
    set('half a character', 'avatar_url', '{"avatar_url":"\\ud800"}'),
    set('a number', 'displayname', { displayname: 5 }),
    set('nothing', 'displayname', {}, 400, 'M_MISSING_PARAM'),
    set('null', 'displayname', { displayname: null }),
    set('long URL', 'avatar_url', { avatar_url: 'x'.repeat(2_000) }),
    set('long field', 'f'.repeat(256), {}, 400, 'M_KEY_TOO_LARGE'),
    set('__proto__', '__proto__', '{"__proto__":1}'),
    set('constructor', 'constructor', { constructor: 1 }),
    set('too large', 'org.example.large', { 'org.example.large': 'x'.repeat(65_536) }, 400, 'M_PROFILE_TOO_LARGE'),
    { ...set("another's", 'displayname', { displayname: 'x' }, 403, 'M_FORBIDDEN'), path: `profile/${bob.id}/displayname` },
    { ...set('device name', '', { display_name: 'x'.repeat(100_000) }), path: `devices/${alice.deviceId}` },
    { ...set("another's device", '', { display_name: 'x' }, 404, 'M_NOT_FOUND'), path: `devices/${bob.deviceId}` },
  ])
})

test("others' account data, tags, filters and typing", async () => {
  const { bob, room } = world
  const refused = { status: 403, errcode: 'M_FORBIDDEN' }
  const paths = [`account_data/t`, `rooms/${room}/account_data/t`, `rooms/${room}/tags/t`]
  await repelled([
    ...paths.flatMap((path) =>
      [['PUT', {}] as const, ['GET', undefined] as const]
        .filter(([method]) => method === 'PUT' || !path.includes('tags'))
        .map(([method, body]) => ({ what: path, method, path: `user/${bob.id}/${path}`, ...(body && { body }), ...refused })),
    ),
    { what: 'filter', method: 'POST', path: `user/${bob.id}/filter`, body: {}, ...refused },
    { what: 'filter', method: 'GET', path: `user/${bob.id}/filter/1`, ...refused },
    { what: 'typing', method: 'PUT', path: `rooms/${room}/typing/${bob.id}`, body: { typing: true }, ...refused },
    ...['m.push_rules', 'm.fully_read'].map((type) => {
      return {
        what: type,
        method: 'PUT',
        path: `user/${world.alice.id}/account_data/${type}`,
        body: {},
        status: 405,
        errcode: 'M_BAD_JSON',
      }
    }),
  ])
})

/** A path as it is: `fetch` would tidy it. */
function raw(path: string): Promise<{ status: number; errcode: unknown }> {
  const { port } = new URL(world.hs.url)
  const headers = { authorization: `Bearer ${world.alice.token}` }
  return new Promise((resolve, reject) => {
    const asked = request({ port, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, errcode: JSON.parse(text)['errcode'] }))
    })
    asked.on('error', reject).end()
  })
}

test('paths with tricks', async () => {
  const { alice, room } = world
  const v3 = '/_matrix/client/v3'
  const broken = ['%zz', '%', '%a', '%c0%80', '%c0%af', '%ed%a0%80', '%ff', '%f8%80%80%80%80', '%u0041']
  const tricks: [path: string, status: number, errcode: string][] = [
    ...broken.map((id): [string, number, string] => [`${v3}/rooms/${id}/state`, 400, 'M_INVALID_PARAM']),
    [`${v3}/rooms/${room}%2Fstate`, 404, 'M_UNRECOGNIZED'],
    [`${v3}/rooms/${room}/../../sync`, 404, 'M_UNRECOGNIZED'],
    [`${v3}/rooms/${room}%00/state`, 400, 'M_INVALID_PARAM'],
    [`${v3}/profile/${alice.id}%00`, 400, 'M_INVALID_PARAM'],
    [`${v3}/profile/${enc(`${alice.id}/displayname`)}`, 400, 'M_INVALID_PARAM'],
    [`${v3}/sync/`, 404, 'M_UNRECOGNIZED'],
    [`/${v3}/sync`, 404, 'M_UNRECOGNIZED'],
    [`${v3}/../v3/sync`, 404, 'M_UNRECOGNIZED'],
    [`${v3}/./sync`, 404, 'M_UNRECOGNIZED'],
    [`${v3}/sync;a=b`, 404, 'M_UNRECOGNIZED'],
    [`${v3}/SYNC`, 404, 'M_UNRECOGNIZED'],
    [`${v3}/sync?filter=%ff%fe`, 400, 'M_INVALID_PARAM'],
    [`${v3}/sync?since=%00`, 400, 'M_INVALID_PARAM'],
    [`${v3}/sync?timeout=0&timeout=x&since=s&since=s1`, 400, 'M_INVALID_PARAM'],
  ]
  await changingNothing(world, async () => {
    const wrong: string[] = []
    for (const [path, status, errcode] of tricks) {
      const reply = await raw(path)
      if (reply.status !== status || reply.errcode !== errcode) wrong.push(`${path}: ${reply.status} ${String(reply.errcode)}`)
    }
    assertNone(wrong)
  })
})

const password = (rest: JsonObject): JsonObject => ({ type: 'm.login.password', ...rest })

test('logins that are none', async () => {
  const bodies: [body: JsonObject, status: number, errcode: string][] = [
    [{ type: '' }, 400, 'M_UNKNOWN'],
    [{ type: '__proto__' }, 400, 'M_UNKNOWN'],
    [password({ identifier: { type: 'm.id.user', user: 5 }, password: 'x' }), 403, 'M_FORBIDDEN'],
    [password({ identifier: { type: 'm.id.user' }, password: 'x' }), 403, 'M_FORBIDDEN'],
    [password({ identifier: { type: '__proto__' }, password: 'x' }), 403, 'M_FORBIDDEN'],
    [password({ user: '@alice:elsewhere.test', password: "alice's password" }), 403, 'M_FORBIDDEN'],
    [password({ user: '\0', password: 'x' }), 403, 'M_FORBIDDEN'],
    [password({ user: 'alice\0', password: "alice's password" }), 403, 'M_FORBIDDEN'],
    [password({ user: 'a'.repeat(100_000), password: 'x' }), 403, 'M_FORBIDDEN'],
    [password({ user: 'alice', password: 'x'.repeat(100_000) }), 403, 'M_FORBIDDEN'],
  ]
  await repelled(
    bodies.map(([body, status, errcode]) => ({
      what: textOf({ status, body }),
      method: 'POST',
      path: 'login',
      body,
      status,
      errcode,
    })),
  )
  const names = ['', ' ', 'a b', 'ä', 'a:b', '@a', 'a\0', 'x'.repeat(300), 'ALICE!']
  await repelled(
    names.map((username) => {
      const body = { username, password: 'a good password', auth: { type: 'm.login.dummy' } }
      return { what: username.slice(0, 20), method: 'POST', path: 'register', body, status: 400, errcode: 'M_INVALID_USERNAME' }
    }),
  )
})
