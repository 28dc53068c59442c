/** What every endpoint of the client-server API does with requests that no honest client sends: drawn from the declarations. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TSchema } from 'typebox'
import type { Endpoint } from '../../schemas/endpoint.ts'
import type { JsonObject } from '../../schemas/json.ts'
import {
  assertNone,
  type Attack,
  callerOf,
  changingNothing,
  clientEndpoints,
  membersOf,
  repel,
  requiredOf,
  startWorld,
  textOf,
  urlOf,
  withBody,
  type World,
} from '../support/hostile.ts'
import { call } from '../support/user.ts'

let world: World

before(async () => {
  world = await startWorld()
})
after(() => world[Symbol.asyncDispose]())

/** An attack on each endpoint that takes a body. */
const onEachBody = (
  what: string,
  status: number,
  errcode: string,
  bodyFor: (endpoint: Endpoint) => JsonObject | string,
): Attack[] =>
  withBody.map((endpoint) => {
    const { method } = endpoint
    return { what, by: callerOf(endpoint, world), method, path: urlOf(endpoint, world), body: bodyFor(endpoint), status, errcode }
  })

const repelled = (attacks: readonly Attack[]) => changingNothing(world, () => repel(world, attacks))

test('the declarations are found', () => {
  assert.ok(clientEndpoints.length > 70 && withBody.length > 30, `${clientEndpoints.length}, ${withBody.length}`)
})

test('without a token, and with one that nobody has', async () => {
  const closed = clientEndpoints.filter(({ auth }) => auth === 'access-token' || auth === 'admin')
  await changingNothing(world, async () => {
    const wrong: string[] = []
    for (const endpoint of closed) {
      const { method } = endpoint
      const body = endpoint.body === undefined ? undefined : {}
      for (const [token, errcode] of [
        [undefined, 'M_MISSING_TOKEN'],
        ['not-a-token', 'M_UNKNOWN_TOKEN'],
        [`${world.alice.token}x`, 'M_UNKNOWN_TOKEN'],
      ] as const) {
        const reply = await call(world.hs, method, urlOf(endpoint, world), body, token)
        if (reply.status !== 401 || reply.body['errcode'] !== errcode)
          wrong.push(`${method} ${endpoint.path} (${token}): ${textOf(reply)}`)
      }
    }
    assertNone(wrong)
  })
})

test('bodies that are no JSON', async () => {
  for (const text of [
    '{',
    '{"a":1',
    'nonsense',
    '{a:1}',
    "{'a':1}",
    '{"a":NaN}',
    '{"a":01}',
    '{"a":"\u0000"}',
    '{}{}',
    '\uFEFF{}',
  ])
    await repelled(onEachBody(JSON.stringify(text), 400, 'M_NOT_JSON', () => text))
})

test('bodies that are JSON, but no object', async () => {
  for (const text of ['[]', '"text"', '5', 'null', 'true', '[{}]'])
    await repelled(onEachBody(text, 400, 'M_BAD_JSON', () => text))
})

test('empty bodies where one is needed', async () => {
  const needed = withBody.filter(({ bodyOptional }) => !bodyOptional)
  assert.ok(needed.length > 10)
  await changingNothing(world, async () => {
    for (const endpoint of needed)
      await callerOf(endpoint, world).refused(400, 'M_NOT_JSON', endpoint.method, urlOf(endpoint, world), '')
  })
})

test('bodies that are nested too deep', async () => {
  const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
  await repelled(onEachBody('5,000 arrays', 400, 'M_BAD_JSON', () => deep))
})

const padded = ({ maxBody }: Endpoint): string => `{"a":"${'x'.repeat(maxBody)}"}`

test('bodies that are too large', async () => {
  await repelled(onEachBody('maxBody and a little', 413, 'M_TOO_LARGE', padded))
})

/** A value that the schema does not allow; undefined where it allows all. */
function wrongFor(schema: TSchema): JsonObject[string] | undefined {
  if ('enum' in schema || 'const' in schema || 'anyOf' in schema) return { no: 'such value' }
  const { type } = schema as { type?: string }
  if (type === undefined) return undefined
  return type === 'string' ? 5 : 'text'
}

test('members of a wrong type', async () => {
  const attacks = withBody.flatMap((endpoint) =>
    membersOf(endpoint.body).flatMap(([name, schema]): Attack[] => {
      const value = wrongFor(schema)
      if (value === undefined) return []
      const { body, method } = endpoint
      const others = requiredOf(body).filter((key) => key !== name)
      const good = Object.fromEntries(membersOf(body).flatMap(([key, of]) => (others.includes(key) ? [[key, goodFor(of)]] : [])))
      const path = urlOf(endpoint, world)
      return [
        {
          what: name,
          by: callerOf(endpoint, world),
          method,
          path,
          body: { ...good, [name]: value },
          status: 400,
          errcode: 'M_BAD_JSON',
        },
      ]
    }),
  )
  assert.ok(attacks.length > 60, String(attacks.length))
  await repelled(attacks)
})

function goodFor(schema: TSchema): JsonObject[string] {
  const { type } = schema as { type?: string }
  return type === 'object' ? {} : type === 'array' ? [] : type === 'boolean' ? true : type === 'string' ? '@bob:test.example' : 1
}

test('required members that are missing', async () => {
  const attacks = withBody.flatMap((endpoint): Attack[] => {
    const { body, method } = endpoint
    const path = urlOf(endpoint, world)
    return requiredOf(body).length > 0
      ? [{ what: 'missing', by: callerOf(endpoint, world), method, path, body: {}, status: 400, errcode: 'M_MISSING_PARAM' }]
      : []
  })
  assert.ok(attacks.length > 10, String(attacks.length))
  await repelled(attacks)
})

const BAD_IDS: Record<string, string[]> = {
  userId: [
    'alice',
    '@alice',
    '@:',
    '@alice:',
    '@a\0b:test.example',
    `@${'a'.repeat(256)}:test.example`,
    '@a:not a server',
    '!a:b',
  ],
  roomId: ['room', '!', 'room:test.example', '!a\0b:test.example', `!${'a'.repeat(256)}:test.example`, '@alice:test.example'],
  roomIdOrAlias: ['room', '!', '#', '#here', '#a\0:test.example', '@alice:test.example', `#${'a'.repeat(256)}:test.example`],
  roomAlias: ['here', '#here', '#:', '#a:', '#a\0b:test.example', `#${'a'.repeat(256)}:test.example`, '!here:test.example'],
  eventId: ['event', '$', '$a\0b', `$${'a'.repeat(256)}`, '!a:test.example'],
  deviceId: ['d'.repeat(513)],
  txnId: ['t'.repeat(513)],
  receiptType: ['m.unread', ' ', '__proto__', 'constructor'],
  kind: ['content ', 'unknown', '__proto__', 'constructor'],
  tag: ['t'.repeat(256)],
}

test('bad identifiers in paths', async () => {
  const attacks = clientEndpoints.flatMap((endpoint) =>
    [...endpoint.path.matchAll(/:(\w+)/g)].flatMap(([, name = '']) =>
      (BAD_IDS[name] ?? []).map((value): Attack => {
        const { method } = endpoint
        const body = endpoint.body === undefined ? {} : { body: {} }
        const path = urlOf(endpoint, world, { [name]: value })
        return {
          what: `${name} ${value.slice(0, 20)}`,
          by: callerOf(endpoint, world),
          method,
          path,
          ...body,
          status: 400,
          errcode: 'M_INVALID_PARAM',
        }
      }),
    ),
  )
  assert.ok(attacks.length > 250, String(attacks.length))
  await repelled(attacks)
})

test('bad values in queries', async () => {
  const attacks = clientEndpoints.flatMap((endpoint) =>
    membersOf(endpoint.query).flatMap(([name, schema]): Attack[] => {
      const { type } = schema as { type?: string }
      const values =
        'enum' in schema ? ['nonsense', ''] : type === 'integer' ? ['-1.5', 'one', '1e3', '99999999999999999999', ''] : []
      if (type === 'boolean') values.push('yes', '1', '')
      if (name === 'limit' || name === 'timeout') values.push('-1')
      return values.map((value) => {
        const { method } = endpoint
        const path = urlOf(endpoint, world, { [name]: value })
        const body = endpoint.body === undefined ? {} : { body: {} }
        return { what: name, by: callerOf(endpoint, world), method, path, ...body, status: 400, errcode: 'M_INVALID_PARAM' }
      })
    }),
  )
  assert.ok(attacks.length > 40, String(attacks.length))
  await repelled(attacks)
})

test('paths that are not served, and methods that are not served there', async () => {
  const served = new Set(clientEndpoints.flatMap(({ method, path, alsoAt }) => [path, ...alsoAt].map((at) => `${method} ${at}`)))
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']
  const attacks = clientEndpoints.flatMap((endpoint) =>
    methods
      .filter((method) => !served.has(`${method} ${endpoint.path}`) && !isServedByAnother(method, endpoint))
      .map((method) => ({ what: 'method', method, path: urlOf(endpoint, world), status: 405, errcode: 'M_UNRECOGNIZED' })),
  )
  assert.ok(attacks.length > 100, String(attacks.length))
  const unknown = [
    '/_matrix/client/v3/nothing',
    '/_matrix/client/v99/sync',
    '/_matrix',
    '/_matrix/client/v3/sync/x',
    '//',
    '/%2e%2e/x',
  ]
  const nowhere = unknown.map((path) => ({ what: 'path', method: 'GET', path, status: 404, errcode: 'M_UNRECOGNIZED' }))
  await repelled([...attacks, ...nowhere])
})

/** Paths overlap: `/pushrules/global/…` is also `/pushrules/:scope/…`. */
const isServedByAnother = (method: string, { path }: Endpoint): boolean =>
  (method === 'PUT' || method === 'DELETE') && path.includes('/pushrules/')
