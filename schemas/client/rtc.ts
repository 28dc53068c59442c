/** Calls, MSC4143. https://github.com/matrix-org/matrix-spec-proposals/pull/4143 */
import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { rtcTransport } from '../definitions.ts'

export const getRtcTransports = clientEndpoint('GET', '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4143',
  response: Type.Object({ rtc_transports: Type.Array(rtcTransport()) }),
})
