import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { discoveryInformation, rtcTransport } from '../definitions.ts'

export const getWellknown = clientEndpoint('GET', '/.well-known/matrix/client', {
  auth: 'none',
  response: Type.Object({
    ...discoveryInformation().properties,
    /** Earlier drafts of MSC4143, and what some clients still read. */
    'org.matrix.msc4143.rtc_foci': Type.Optional(Type.Array(rtcTransport())),
  }),
})
