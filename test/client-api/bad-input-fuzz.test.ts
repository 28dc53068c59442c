/** Random bodies, parameters and queries for every endpoint: whatever they are, they are no mistake of the server's. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import type { TSchema } from 'typebox'
import type { Endpoint } from '../../schemas/endpoint.ts'
import { clientEndpoints, membersOf, startWorld, urlOf, withBody, type World } from '../support/hostile.ts'

let world: World

before(async () => {
  world = await startWorld()
})
after(() => world[Symbol.asyncDispose]())

const RUNS = 20
/** To log out, or to wait for news, would end the test. */
const AVOIDED = /\/logout|\/delete_devices|\/account\/deactivate|\/account\/password|\/events$|\/sync$|\/devices\//

const NAMES = [
  '__proto__',
  'constructor',
  '',
  'type',
  'session',
  'user',
  'users',
  'events',
  'membership',
  'state_key',
  'content',
  'm.relates_to',
]
const TEXTS = [
  '',
  '\0',
  '@alice:test.example',
  '@x:elsewhere.test',
  '!a:b',
  '#here:test.example',
  '$x',
  'm.login.password',
  'm.room.member',
  'm.login.dummy',
  'x'.repeat(300),
]
/** Words that mean something where servers read them. */
const WORDS = [
  'public',
  'invite',
  'knock',
  'restricted',
  'world_readable',
  'joined',
  'can_join',
  'm.megolm.v1.aes-sha2',
  ['*'],
  {},
]
const NUMBERS = [0, -1, 0.5, 2 ** 53, -(2 ** 53), 1e300, 2 ** 31]

const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'binary', maxLength: 8 }))
const scalar = fc.oneof(text, fc.constantFrom<unknown>(...NUMBERS, true, false, null))
const value: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown; list: unknown[]; object: unknown }>((tie) => ({
  any: fc.oneof({ maxDepth: 4, depthSize: 'small' }, scalar, tie('list'), tie('object')),
  list: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), text), tie('any'), { maxKeys: 5 }),
})).any

/** Values near to what a schema wants, so that some get past the check. */
function near(schema: TSchema): fc.Arbitrary<unknown> {
  const { type, items, enum: choices } = schema as { type?: string; items?: TSchema; enum?: unknown[] }
  if (choices) return fc.constantFrom(...choices)
  if (type === 'string') return text
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer' || type === 'number') return fc.constantFrom(...NUMBERS)
  if (type === 'array') return fc.array(items ? near(items) : value, { maxLength: 4 })
  if (type === 'object') return nearObject(schema)
  return value
}

function nearObject(schema: TSchema): fc.Arbitrary<unknown> {
  const members = membersOf(schema).map(([name, of]) => [name, fc.oneof({ weight: 4, arbitrary: near(of) }, value)] as const)
  const known = fc.record(Object.fromEntries(members), { requiredKeys: [] })
  return fc
    .tuple(known, fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 2 }))
    .map(([own, more]) => ({ ...more, ...own }))
}

/** 502 is what a server says of others that do not answer; here there are none. */
function assertNoMistake(status: number, what: string): void {
  assert.ok(status < 500 || status === 502, `${what} was answered with ${status}`)
}

/** Makes a call of alice's, whatever comes of it; gives its status. */
async function attack({ method }: Pick<Endpoint, 'method'>, url: string, body?: unknown): Promise<number> {
  const headers = { authorization: `Bearer ${world.alice.token}` }
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(`${world.hs.url}${url}`, { method, headers, ...content })
  await response.arrayBuffer()
  assertNoMistake(response.status, `${method} ${url} ${JSON.stringify(body)}`)
  return response.status
}

test('random bodies', async (t) => {
  for (const endpoint of withBody.filter(({ path }) => !AVOIDED.test(path)))
    await t.test(`${endpoint.method} ${endpoint.path}`, async () => {
      const bodies = fc.oneof({ weight: 3, arbitrary: near(endpoint.body ?? {}) }, value)
      const property = fc.asyncProperty(bodies, async (body) => {
        await attack(endpoint, urlOf(endpoint, world), body ?? {})
      })
      await fc.assert(property, { numRuns: RUNS })
    })
})

test('random parameters', async (t) => {
  for (const endpoint of clientEndpoints.filter(({ path }) => !AVOIDED.test(path))) {
    const names = [...endpoint.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
    const inQuery = membersOf(endpoint.query).map(([name]) => name)
    if (names.length + inQuery.length === 0) continue
    await t.test(`${endpoint.method} ${endpoint.path}`, async () => {
      // A server's name in a query may be any, and is asked for.
      const wellFormed = text.filter((each) => each !== '' && each.isWellFormed())
      const given = fc.dictionary(fc.constantFrom(...names, ...inQuery), wellFormed, { minKeys: 1, maxKeys: 2 })
      const property = fc.asyncProperty(given, async (values) => {
        await attack(endpoint, urlOf(endpoint, world, values), endpoint.body && {})
      })
      await fc.assert(property, { numRuns: RUNS })
    })
  }
})

/** What servers themselves read in the content of events, by type. */
const READ: Record<string, readonly string[]> = {
  'm.room.name': ['name'],
  'm.room.topic': ['topic', 'm.topic'],
  'm.room.avatar': ['url', 'info'],
  'm.room.canonical_alias': [],
  'm.room.join_rules': ['join_rule', 'allow'],
  'm.room.history_visibility': ['history_visibility'],
  'm.room.guest_access': ['guest_access'],
  'm.room.encryption': ['algorithm'],
  'm.room.server_acl': ['allow', 'deny', 'allow_ip_literals'],
  'm.room.power_levels': ['users', 'events', 'ban', 'state_default', 'notifications', 'users_default'],
  'm.room.third_party_invite': ['public_key', 'public_keys', 'display_name', 'key_validity_url'],
  'm.room.tombstone': ['replacement_room', 'body'],
  'm.space.child': ['via', 'order', 'suggested'],
  'm.room.pinned_events': ['pinned'],
  'm.room.message': ['body', 'm.relates_to', 'm.mentions', 'msgtype', 'm.new_content'],
  'm.reaction': ['m.relates_to'],
}

/** The `m.relates_to` of an event, more or less. */
const relation = fc.record(
  {
    rel_type: fc.oneof(fc.constantFrom('m.annotation', 'm.replace', 'm.thread', 'm.reference'), value),
    event_id: fc.oneof(fc.constant('EVENT'), value),
    key: value,
    'm.in_reply_to': value,
    is_falling_back: value,
  },
  { requiredKeys: [] },
)

test('random events of the types that servers read, and everything that reads them', async (t) => {
  const { alice, bob } = world
  const readers = clientEndpoints.filter(({ method, path }) => method === 'GET' && !AVOIDED.test(path))
  for (const [type, keys] of Object.entries(READ))
    await t.test(type, async () => {
      const room = await alice.createRoom({ visibility: 'public', room_version: type.length % 2 ? '10' : '5' })
      const event = await alice.send(room, 'hello')
      await bob.join(room)
      const members = keys.map((key) => [key, key === 'm.relates_to' ? relation : fc.oneof(value, fc.constantFrom(...WORDS))])
      const contents = fc.record(Object.fromEntries(members), { requiredKeys: [] })
      const property = fc.asyncProperty(contents, fc.boolean(), async (content, isState) => {
        const given = JSON.parse(JSON.stringify(content).replaceAll('"EVENT"', JSON.stringify(event))) as unknown
        const path = `/_matrix/client/v3/rooms/${room}/${isState ? `state/${type}/` : `send/${type}`}`
        await attack({ method: isState ? 'PUT' : 'POST' }, path, given)
      })
      await fc.assert(property, { numRuns: RUNS })
      for (const reader of readers) await attack(reader, urlOf(reader, world, { roomId: room, eventId: event }))
      await attack({ method: 'GET' }, '/_matrix/client/v3/sync?full_state=true')
      await bob.ok('GET', 'sync')
    })
})

test('after all that, the server works', async () => {
  const { bob, hs } = world
  const room = await bob.createRoom()
  await bob.send(room, 'still there')
  assert.deepEqual(await bob.messages(room), ['still there'])
  await bob.ok('GET', 'sync?full_state=true')
  await world.alice.ok('GET', 'sync?full_state=true')
  await hs.restart()
  await world.alice.ok('GET', 'sync')
  assert.deepEqual(await bob.messages(room), ['still there'])
})
