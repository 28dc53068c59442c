/** What tests need that send what nobody should send: every declared route, a world to aim at, and a look at what changed. */
import assert from 'node:assert/strict'
import type { TSchema } from 'typebox'
import type { Endpoint } from '../../schemas/endpoint.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { type ClientServices, clientRoutes } from '../../src/client-api/routes.ts'
import { type TestHomeserver, testHomeserver } from './homeserver.ts'
import { sharedSecretRegistration } from './shared-secret.ts'
import { call, type Reply, TestUser } from './user.ts'

/** Whatever handlers want is undefined: only their declarations are looked at. */
const noServices = new Proxy({}, { get: () => undefined }) as ClientServices

/** All declarations that the client-server API serves. */
export const clientEndpoints: readonly Endpoint[] = clientRoutes(noServices).map(({ endpoint }) => endpoint)

/** Those that read a body. */
export const withBody = clientEndpoints.filter(({ body }) => body !== undefined)

/** Two users, each in a room that the other is not in, and an event in both. */
export interface World extends AsyncDisposable {
  readonly hs: TestHomeserver
  readonly alice: TestUser
  readonly bob: TestUser
  readonly admin: TestUser
  readonly room: string
  readonly foreignRoom: string
  readonly event: string
  readonly foreignEvent: string
}

/** Registers an administrator of the server. */
export async function adminOf(hs: TestHomeserver): Promise<TestUser> {
  const path = '/_synapse/admin/v1/register'
  const { body } = await call(hs, 'GET', path)
  const request = sharedSecretRegistration(String(body['nonce']), 'admin', "admin's password", true)
  const { body: made } = await call(hs, 'POST', path, request)
  return new TestUser(hs, String(made['user_id']), String(made['access_token']), String(made['device_id']))
}

/** Who may call an endpoint at all: alice, or the administrator. */
export const callerOf = ({ auth }: Endpoint, { alice, admin }: World): TestUser => (auth === 'admin' ? admin : alice)

/** A world on a server of its own. Presence is off: to look is to be seen. */
export async function startWorld(): Promise<World> {
  const hs = await testHomeserver({ config: { presence: { enabled: false } } })
  const [alice, bob] = await hs.users('alice', 'bob')
  assert.ok(alice && bob)
  const admin = await adminOf(hs)
  const room = await alice.createRoom({ name: 'Here', room_alias_name: 'here' })
  const foreignRoom = await bob.createRoom({ name: 'There', room_alias_name: 'there' })
  const event = await alice.send(room, 'hello')
  const foreignEvent = await bob.send(foreignRoom, 'a secret')
  return { hs, alice, bob, admin, room, foreignRoom, event, foreignEvent, [Symbol.asyncDispose]: () => hs[Symbol.asyncDispose]() }
}

/** The URL of an endpoint with good values for the parameters of its path and those that its query must have, but for those given. */
export function urlOf(endpoint: Endpoint, { hs, alice, room, event }: World, given: Record<string, string> = {}): string {
  const good: Record<string, string> = {
    userId: alice.id,
    roomId: room,
    roomIdOrAlias: room,
    roomAlias: `#new:${hs.name}`,
    eventId: event,
    deviceId: alice.deviceId,
    eventType: 'org.example.type',
    type: 'org.example.type',
    stateKey: '',
    keyName: 'displayname',
    kind: 'room',
    ruleId: room,
    receiptType: 'm.read',
    filterId: '1',
    relType: 'm.thread',
    dir: 'b',
    ts: '1',
    ...given,
  }
  const path = endpoint.path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(good[name] ?? '1'))
  const inQuery = membersOf(endpoint.query).filter(([name]) => requiredOf(endpoint.query).includes(name) || name in given)
  const query = new URLSearchParams(Object.fromEntries(inQuery.map(([name]) => [name, good[name] ?? '1'])))
  return inQuery.length > 0 ? `${path}?${query}` : path
}

/** The names of the members that an object schema requires. */
export const requiredOf = (schema: TSchema | undefined): readonly string[] =>
  schema !== undefined && 'required' in schema ? (schema.required as string[]) : []

/** The declared members of an object schema. */
export function membersOf(schema: TSchema | undefined): [string, TSchema][] {
  return Object.entries(schema !== undefined && 'properties' in schema ? (schema.properties as Record<string, TSchema>) : {})
}

/** Everything that clients see of both users and their rooms. What tests refuse must leave it as it was. */
export async function snapshot({ alice, bob, hs }: World): Promise<JsonObject> {
  const seen: JsonObject = {}
  for (const user of [alice, bob])
    for (const path of [
      'sync?full_state=true&filter={"room":{"include_leave":true,"timeline":{"limit":100}}}',
      'devices',
      `profile/${user.id}`,
      'pushrules/',
      'publicRooms',
      'joined_rooms',
      ...['here', 'there', 'new'].map((name) => `directory/room/${encodeURIComponent(`#${name}:${hs.name}`)}`),
    ]) {
      const { body } = await user.call('GET', path)
      seen[`${user.id} ${path}`] = withoutClock(body)
    }
  return seen
}

/** Without what the passing of time changes. */
function withoutClock(body: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(body), (key, value: unknown) =>
    ['age', 'last_seen_ts', 'last_seen_ip'].includes(key) ? undefined : value,
  ) as JsonObject
}

/** Runs `attack` and asserts that it has changed nothing. */
export async function changingNothing(world: World, attack: () => Promise<unknown>): Promise<void> {
  const before = await snapshot(world)
  await attack()
  assert.deepEqual(await snapshot(world), before)
}

/** One hostile request, and what must come of it. */
export interface Attack {
  readonly what: string
  /** Alice unless said otherwise. */
  readonly by?: TestUser
  readonly method: string
  readonly path: string
  readonly body?: JsonObject | string
  readonly status: number
  readonly errcode: string
}

/** Makes the attacks one after the other; those that are not answered as they should be are listed together. */
export async function repel({ alice }: World, attacks: readonly Attack[]): Promise<void> {
  const wrong: string[] = []
  for (const { what, by = alice, method, path, body, status, errcode } of attacks) {
    const reply = await by.call(method, path, body)
    if (reply.status !== status || reply.body['errcode'] !== errcode)
      wrong.push(`${what}: ${method} ${path} wants ${status} ${errcode}, got ${textOf(reply)}`)
  }
  assertNone(wrong)
}

/** Fails with the list of what is wrong. */
export function assertNone(wrong: readonly string[]): void {
  assert.ok(wrong.length === 0, `\n${wrong.join('\n')}`)
}

export const textOf = ({ status, body }: Reply): string => `${status} ${JSON.stringify(body).slice(0, 300)}`
