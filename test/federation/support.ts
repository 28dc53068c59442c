/** A real server of ours beside a scripted one. */
import assert from 'node:assert/strict'
import type { EventId, ServerName } from '../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../schemas/json.ts'
import type { Event } from '../../src/protocol/event.ts'
import { testHomeserver } from '../support/homeserver.ts'
import { freePorts } from '../support/ports.ts'
import { federationLab, type RemoteServer } from '../support/remote-server.ts'

export interface Answer {
  readonly status: number
  readonly body: Json
}

export async function besideRemote() {
  const stack = new AsyncDisposableStack()
  const lab = stack.use(await federationLab())
  const remote = await lab.server('remote.test')
  const [port = 0] = await freePorts(1)
  const federation = {
    custom_ca_files: [lab.caFile],
    ip_range_denylist: [],
    trusted_key_servers: [],
    host_overrides: lab.hostOverrides,
    max_retry_interval_ms: 10,
  }
  const listeners = [{ port, resources: ['client', 'federation'] }]
  const ours = stack.use(await testHomeserver({ config: { federation, listeners } }))
  const url = `http://127.0.0.1:${port}`
  return {
    remote,
    ours: { ...ours, url },
    ...asRemote(remote, ours.name, url),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

let transactions = 0

/** What the scripted server can do to ours. */
function asRemote(remote: RemoteServer, name: string, url: string) {
  const call = async (method: string, path: string, body?: JsonObject): Promise<Answer> => {
    const uri = `/_matrix/federation/${path}`
    const response = await fetch(`${url}${uri}`, {
      method,
      headers: {
        authorization: remote.authorization(name as ServerName, method, uri, body),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as Json }
  }
  const send = async (events: readonly Event[], edus: JsonObject[] = []): Promise<Record<EventId, Json>> => {
    const transaction = { origin: remote.name, origin_server_ts: 1, pdus: events.map(({ pdu }) => pdu), edus }
    const { status, body } = await call('PUT', `v1/send/t${transactions++}`, transaction)
    assert.ok(status === 200 && isJsonObject(body) && isJsonObject(body['pdus']), JSON.stringify(body))
    return body['pdus']
  }
  const refused = async (status: number, errcode: string, method: string, path: string, body?: JsonObject): Promise<void> => {
    const answer = await call(method, path, body)
    assert.ok(isJsonObject(answer.body))
    assert.deepEqual([answer.status, answer.body['errcode']], [status, errcode], JSON.stringify(answer.body))
  }
  return { call, send, refused }
}
