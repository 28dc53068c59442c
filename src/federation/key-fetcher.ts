import { Type } from 'typebox'
import { jsonObject } from '../../schemas/definitions.ts'
import type { BodyOf } from '../../schemas/endpoint.ts'
import type { ServerName } from '../../schemas/ids.ts'
import type { Json } from '../../schemas/json.ts'
import { bulkPerspectivesKeyQuery } from '../../schemas/server/keys-query.ts'
import { getServerKey } from '../../schemas/server/keys-server.ts'
import type { CallOptions, FederationClient } from './client.ts'
import { FederationError } from './errors.ts'

/** By server and key ID, until when the key has to be valid. */
export type KeyCriteria = BodyOf<typeof bulkPerspectivesKeyQuery>['server_keys']

/** Gets keys over the network. What comes is as the specification declares it; whether to believe it is for others to check. */
export interface KeyFetcher {
  /** What the server publishes; undefined where it does not answer. */
  fromServer(server: ServerName): Promise<Json | undefined>
  /** What a notary has of other servers; empty where it does not answer. */
  fromNotary(notary: ServerName, criteria: KeyCriteria): Promise<readonly Json[]>
}

/** The answers of many servers come together: each is judged by itself, so that a bad one does not spoil the others. */
const queryNotary = { ...bulkPerspectivesKeyQuery, response: Type.Object({ server_keys: Type.Array(jsonObject()) }) }

/** A server that asks us something may be well again before we know: its keys are fetched however often it failed lately. */
const FROM_SERVER: CallOptions = { timeoutMs: 10_000, maxBytes: 64 * 1024, ignoreGate: true }
const FROM_NOTARY: CallOptions = { timeoutMs: 30_000, maxBytes: 8 * 1024 * 1024 }

export function keyFetcher(client: Pick<FederationClient, 'call'>): KeyFetcher {
  return {
    fromServer: (server) => unlessItFails(client.call(getServerKey, server, {}, FROM_SERVER)),
    fromNotary: async (notary, criteria) => {
      const answer = await unlessItFails(client.call(queryNotary, notary, { body: { server_keys: criteria } }, FROM_NOTARY))
      return answer?.server_keys ?? []
    },
  }
}

async function unlessItFails<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (cause) {
    if (cause instanceof FederationError) return undefined
    throw cause
  }
}
