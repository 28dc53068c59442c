import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { integer, json, jsonObject, mapOf, transactionId } from '../definitions.ts'
import { serverName } from '../ids.ts'

/** Up to 50 PDUs of 64 KiB and 100 EDUs. */
const MAX_TRANSACTION = 10 * 1024 * 1024

export const sendTransaction = serverEndpoint('PUT', '/_matrix/federation/v1/send/:txnId', {
  auth: 'server',
  maxBody: MAX_TRANSACTION,
  params: Type.Object({ txnId: transactionId() }),
  body: Type.Object({
    origin: serverName(),
    origin_server_ts: integer(),
    /** What is not an object is dropped like any malformed PDU: one must not fail the others. */
    pdus: Type.Optional(Type.Array(json(), { maxItems: 50 })),
    edus: Type.Optional(Type.Array(json(), { maxItems: 100 })),
  }),
  /** There are servers that leave `pdus` out where nothing went wrong. */
  response: Type.Object({ pdus: Type.Optional(mapOf(jsonObject())) }),
  ownResponse: Type.Object({ pdus: mapOf(Type.Object({ error: Type.Optional(Type.String()) })) }),
})
