import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { jsonObject, mapOf } from '../definitions.ts'

/** The body is the event; the answer is the policy server's signature, by server name and key ID. */
const signing = { auth: 'server', body: jsonObject(), response: mapOf(mapOf(Type.String())) } as const

export const askPolicyServerToSign = serverEndpoint('POST', '/_matrix/policy/v1/sign', signing)

/** The same at policy servers from before it was in the specification. */
export const askPolicyServerToSignMsc4284 = serverEndpoint('POST', '/_matrix/policy/unstable/org.matrix.msc4284/sign', {
  ...signing,
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4284',
})
