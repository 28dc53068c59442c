import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { UserId } from '../../../schemas/ids.ts'
import { Connections, type SentRoom } from '../../../src/sync/sliding/connections.ts'
import { RequiredState } from '../../../src/sync/sliding/required-state.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import { listOf, Slider } from './support.ts'

const UNKNOWN = { status: 400, errcode: 'M_UNKNOWN_POS' }
const plain = RequiredState.of([{ include: [{ type: 'm.room.name', stateKey: '' }], exclude: [], lazyMembers: false }])

/** A client with a connection of so many rooms. */
class Client {
  readonly #connections: Connections
  readonly #reader: { userNid: number; userId: UserId; deviceNid: number }
  #pos: string | undefined

  constructor(connections: Connections, userNid: number, deviceNid: number) {
    this.#connections = connections
    this.#reader = { userNid, userId: `@user${userNid}:test` as UserId, deviceNid }
  }

  sync(rooms: number, requiredState = plain): void {
    const request = { reader: this.#reader, connId: 'list', pos: this.#pos }
    const connection = this.#connections.open(this.#reader, 'list', this.#pos)
    const sent: SentRoom = { upTo: 1, membership: 'join', timelineLimit: 1, requiredState, isDm: false }
    const changes = new Map(Array.from({ length: rooms }, (_, n) => [n, sent]))
    const told = {
      position: 1,
      scope: new Set(changes.keys()),
      counts: new Map(),
      extensions: new Set<string>(),
      profileFields: undefined,
    }
    this.#pos = this.#connections.answered(request, connection, { told, changes })
  }

  /** It goes on where it was. */
  goesOn = (): void => this.sync(0)
  /** It has to begin anew. */
  isLost = (): void => assert.throws(() => this.sync(0), UNKNOWN)
}

describe('connections', () => {
  test('of one user do not become too large together, whatever the devices', () => {
    const connections = new Connections({ ofOwner: 1_000, all: 10_000 })
    const [one, another, third] = [1, 2, 3].map((device) => new Client(connections, 1, device))
    const other = new Client(connections, 2, 4)
    assert.ok(one && another && third)
    for (const client of [other, one, another]) client.sync(200)
    one.goesOn()
    third.sync(200)
    another.isLost()
    for (const client of [other, one, third]) client.goesOn()
  })

  test('of all users neither: the one goes who was not here for the longest time', () => {
    const connections = new Connections({ ofOwner: 1_000, all: 2_000 })
    const clients = Array.from({ length: 5 }, (_, n) => new Client(connections, n, n))
    for (const client of clients) client.sync(200)
    clients[0]?.isLost()
    clients[4]?.goesOn()
  })

  test('pay for what they ask of the state of rooms', () => {
    const connections = new Connections({ ofOwner: 10_000, all: 100_000 })
    const client = new Client(connections, 1, 1)
    for (let n = 0; n < 3; n++) client.sync(1, longChoice(n))
    client.sync(5, longChoice(3))
    // Five rooms that ask for the same keep it once.
    client.goesOn()
    const wide = new Client(connections, 1, 2)
    wide.sync(1)
    for (const each of [client, wide]) each.goesOn()
    wide.sync(1, longChoice(4).and(longChoice(5)).and(longChoice(6)))
    client.isLost()
    wide.goesOn()
  })

  test('that were given up begin anew: of one device the newest twelve are kept', async () => {
    await using hs = await testHomeserver()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const sliders = Array.from({ length: 13 }, (_, n) => new Slider(alice, `c${n}`))
    for (const slider of sliders) await slider.sync(listOf({}))
    const [first, ...others] = sliders
    assert.ok(first)
    await alice.refused(400, 'M_UNKNOWN_POS', 'POST', first.path(), { conn_id: 'c0' })
    for (const slider of others) assert.deepEqual((await slider.sync(listOf({}))).rooms, {})
    first.pos = undefined
    assert.equal((await first.room(room, listOf({}))).initial, true)
  })
})

/** Some 3,000 rooms' worth of it. */
function longChoice(n: number): RequiredState {
  const include = Array.from({ length: 150 }, (_, element) => ({
    type: `org.example.${n}.${element}`,
    stateKey: 'x'.repeat(460),
  }))
  return RequiredState.of([{ include, exclude: [], lazyMembers: false }])
}
