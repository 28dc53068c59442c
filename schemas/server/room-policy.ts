import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { jsonObject, mapOf } from '../definitions.ts'

/** The body is the event; the answer is the policy server's signature, by server name and key ID. */
export const askPolicyServerToSign = serverEndpoint('POST', '/_matrix/policy/v1/sign', {
  auth: 'server',
  body: jsonObject(),
  response: mapOf(mapOf(Type.String())),
})
