import assert from 'node:assert/strict'
import test from 'node:test'
import { getRegistrationNonce, registerWithSharedSecret } from '../../schemas/admin/register.ts'
import { clientEndpoints } from '../../schemas/client/index.ts'
import type { Endpoint } from '../../schemas/endpoint.ts'
import { serverEndpoints } from '../../schemas/server/index.ts'
import { MatrixError } from '../../src/core/errors.ts'
import { Router } from '../../src/http/router.ts'
import { route } from '../../src/http/route.ts'

const endpoints: readonly Endpoint[] = [...clientEndpoints, ...serverEndpoints, getRegistrationNonce, registerWithSharedSecret]
const router = new Router(endpoints.map((endpoint) => route(endpoint, async () => ({}))))
const EVERYWHERE = new Set(['client', 'federation', 'media', 'admin', 'metrics'] as const)

test('each path of each declaration leads to it', () => {
  for (const endpoint of endpoints) {
    for (const path of [endpoint.path, ...endpoint.alsoAt]) {
      const target = path.replaceAll(/:\w+/g, '%21a%2Fb')
      const { mounted, params } = router.find(endpoint.method, `${target}?x=1`, EVERYWHERE)
      assert.equal(mounted.route.endpoint.path, endpoint.path, `${endpoint.method} ${path}`)
      const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '')
      assert.deepEqual({ ...Object(params) }, Object.fromEntries(names.map((name) => [name, '!a/b'])))
    }
  }
})

const TARGETS: [method: string, target: string, path: string][] = [
  ['PUT', '/_matrix/client/v3/rooms/!r/state/m.room.name', '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey'],
  ['PUT', '/_matrix/client/r0/rooms/!r/state/m.room.name/', '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey'],
  ['GET', '/_matrix/client/v3/rooms/!r/state', '/_matrix/client/v3/rooms/:roomId/state'],
  ['GET', '/_matrix/client/v3/pushrules/', '/_matrix/client/v3/pushrules/'],
  ['GET', '/_matrix/client/v3/pushrules/global', '/_matrix/client/v3/pushrules/:scope'],
  ['GET', '/_matrix/client/v3/pushrules/global/', '/_matrix/client/v3/pushrules/global/'],
  ['GET', '/_matrix/client/v3/pushrules/global/room', '/_matrix/client/v3/pushrules/:scope'],
  ['GET', '/_matrix/client/v3/pushrules/global/override/.m.rule.master/what', '/_matrix/client/v3/pushrules/:scope'],
  ['PUT', '/_matrix/client/v3/pushrules/', '/_matrix/client/v3/pushrules/:scope'],
  // With an empty rule ID, which its declaration refuses.
  ['PUT', '/_matrix/client/v3/pushrules/global/room/', '/_matrix/client/v3/pushrules/global/:kind/:ruleId'],
  ['PUT', '/_matrix/client/v3/pushrules/other/room/%23a:b', '/_matrix/client/v3/pushrules/:scope'],
  ['GET', '/_matrix/federation/v1/query/profile?user_id=@a:b', '/_matrix/federation/v1/query/profile'],
  ['GET', '/_matrix/federation/v1/query/other', '/_matrix/federation/v1/query/:queryType'],
  ['GET', '/_matrix/key/v2/server/ed25519:auto', '/_matrix/key/v2/server'],
  ['HEAD', '/_matrix/client/versions', '/_matrix/client/versions'],
  ['POST', '/_matrix/client/v3/knock/%23a%3Ab?via=x', '/_matrix/client/v3/knock/:roomIdOrAlias'],
]
for (const [method, target, path] of TARGETS) {
  test(`${method} ${target}`, () => {
    assert.equal(router.find(method, target, EVERYWHERE).mounted.route.endpoint.path, path)
  })
}

function status(method: string, target: string): unknown {
  try {
    router.find(method, target, EVERYWHERE)
  } catch (error) {
    return error instanceof MatrixError ? error.status : error
  }
  return 200
}

test('what nothing serves', () => {
  assert.equal(status('GET', '/_matrix/client/v3/pushrules'), 404)
  assert.equal(status('GET', '/_matrix/client/v4/login'), 404)
  assert.equal(status('GET', '/_matrix/client/V3/login'), 404)
  assert.equal(status('GET', '/_matrix/client/v3/login/'), 404)
  assert.equal(status('GET', '/_matrix/client/v3//login'), 404)
  assert.equal(status('DELETE', '/_matrix/client/v3/login'), 405)
  assert.equal(status('get', '/_matrix/client/v3/login'), 405)
  assert.equal(status('GET', '*'), 404)
})

test('two routes with one path are refused', () => {
  const [first] = endpoints
  assert.ok(first)
  assert.throws(() => new Router([route(first, async () => ({})), route(first, async () => ({}))]))
})
