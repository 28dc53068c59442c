/** A scripted policy server, and a room of it. */
import assert from 'node:assert/strict'
import type { UserId } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject, objectAt } from '../../schemas/json.ts'
import type { Event, Pdu } from '../../src/protocol/event.ts'
import { essentialText } from '../../src/protocol/hashes.ts'
import type { RoomRules } from '../../src/protocol/room-versions.ts'
import type { SigningKey } from '../../src/protocol/signing.ts'
import { RemoteRoom } from '../support/remote-room.ts'
import { newSigningKey, type RemoteServer, type Reply } from '../support/remote-server.ts'
import { logIn } from '../support/user.ts'
import { besideRemote } from './support.ts'

export const BOB = '@bob:remote.test' as UserId
export const KEY_ID = 'ed25519:policy_server'
export const SIGN = '/_matrix/policy/v1/sign'
export const FORBIDDEN = { errcode: 'M_FORBIDDEN', error: 'This looks like spam' }

export const newPolicyKey = (): SigningKey => newSigningKey('policy_server')

/** Signs what it is asked to sign, until it is told otherwise. */
export class PolicyServer {
  readonly #remote: RemoteServer
  readonly #rules: RoomRules
  key = newPolicyKey()
  /** What it has been asked to sign. */
  readonly asked: JsonObject[] = []
  answer: (pdu: Pdu) => Reply | Promise<Reply> = (pdu) => ({ body: this.signature(pdu) })

  constructor(remote: RemoteServer, rules: RoomRules) {
    this.#remote = remote
    this.#rules = rules
  }

  serve(path: string): void {
    this.#remote.on('POST', path, ({ body }) => {
      const pdu = JSON.parse(body) as JsonObject
      this.asked.push(pdu)
      return this.answer(pdu)
    })
  }

  refuse(): void {
    this.answer = () => ({ status: 400, body: FORBIDDEN })
  }

  /** Its signature of an event, as it answers with it. */
  signature(pdu: Pdu, by = this.key): Record<string, JsonObject> {
    return { [this.#remote.name]: { [KEY_ID]: by.sign(essentialText(pdu, this.#rules)) } }
  }

  /** An event of its server with its signature. */
  signed(event: Event, by = this.key): Event {
    const { name } = this.#remote
    const keys = { ...objectAt(objectAt(event.pdu, 'signatures') ?? {}, name), ...this.signature(event.pdu, by)[name] }
    return { ...event, pdu: { ...event.pdu, signatures: { [name]: keys } } }
  }
}

/** Alice is in a room of the scripted server, which becomes the policy server there when the test says so. */
export async function besidePolicyServer(version = '11') {
  const hs = await besideRemote()
  const { remote } = hs
  const room = new RemoteRoom(remote, version)
  room.join(BOB)
  room.serveJoins()
  const policyServer = new PolicyServer(remote, room.rules)
  policyServer.serve(SIGN)
  const alice = await logIn(hs.ours, 'alice')
  const id = encodeURIComponent(room.roomId)
  await alice.ok('POST', `join/${id}?server_name=remote.test`, {})
  /** Has our server take in an event. */
  const take = async (event: Event) => assert.deepEqual((await hs.send([event]))[event.eventId], {})
  const setPolicy = async (content: JsonObject, type = 'm.room.policy') => take(room.add(type, content, { stateKey: '' }))
  const enable = () => setPolicy({ via: remote.name, public_keys: { ed25519: policyServer.key.publicKey } })
  /** The signatures of an event that our server has. */
  const signatures = async (eventId: string): Promise<JsonObject> => {
    const { body } = await hs.call('GET', `v1/event/${encodeURIComponent(eventId)}`)
    assert.ok(isJsonObject(body) && Array.isArray(body['pdus']))
    const [pdu] = body['pdus']
    return (isJsonObject(pdu) && objectAt(pdu, 'signatures')) || {}
  }
  const isSigned = async (eventId: string) => KEY_ID in (objectAt(await signatures(eventId), remote.name) ?? {})
  return { ...hs, room, alice, id, policyServer, take, setPolicy, enable, signatures, isSigned }
}
