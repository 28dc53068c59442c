import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import {
  authDict,
  emailTokenRequest,
  empty,
  medium,
  natural,
  phoneTokenRequest,
  tokenRequested,
  unbindResult,
} from '../definitions.ts'

const identifier = () => Type.Object({ id_server: Type.Optional(Type.String()), medium: medium(), address: Type.String() })

const proofAtIdentityServer = () =>
  Type.Object({
    client_secret: Type.String(),
    id_server: Type.String(),
    id_access_token: Type.Optional(Type.String()),
    sid: Type.String(),
  })

export const getAccount3PIDs = clientEndpoint('GET', '/_matrix/client/v3/account/3pid', {
  auth: 'access-token',
  rateLimit: 'read',
  response: Type.Object({
    threepids: Type.Array(
      Type.Object({ medium: medium(), address: Type.String(), validated_at: natural(), added_at: natural() }),
    ),
  }),
})

export const post3PIDs = clientEndpoint('POST', '/_matrix/client/v3/account/3pid', {
  auth: 'access-token',
  rateLimit: 'write',
  /** Clients from before Matrix r0.6 write `threePidCreds`. */
  body: Type.Union([
    Type.Object({ three_pid_creds: proofAtIdentityServer() }),
    Type.Object({ threePidCreds: Type.Object({ clientSecret: Type.String(), idServer: Type.String(), sid: Type.String() }) }),
  ]),
  response: Type.Object({ submit_url: Type.Optional(Type.String()) }),
})

export const add3PID = clientEndpoint('POST', '/_matrix/client/v3/account/3pid/add', {
  alsoAt: ['/_matrix/client/unstable/account/3pid/add'],
  auth: 'access-token',
  rateLimit: 'login',
  body: Type.Object({ auth: Type.Optional(authDict()), client_secret: Type.String(), sid: Type.String() }),
  response: empty(),
})

export const bind3PID = clientEndpoint('POST', '/_matrix/client/v3/account/3pid/bind', {
  alsoAt: ['/_matrix/client/unstable/account/3pid/bind'],
  auth: 'access-token',
  rateLimit: 'write',
  body: proofAtIdentityServer(),
  response: empty(),
})

export const delete3pidFromAccount = clientEndpoint('POST', '/_matrix/client/v3/account/3pid/delete', {
  alsoAt: ['/_matrix/client/unstable/account/3pid/delete'],
  auth: 'access-token',
  rateLimit: 'write',
  body: identifier(),
  response: unbindResult(),
})

export const unbind3pidFromAccount = clientEndpoint('POST', '/_matrix/client/v3/account/3pid/unbind', {
  alsoAt: ['/_matrix/client/unstable/account/3pid/unbind'],
  auth: 'access-token',
  rateLimit: 'write',
  body: identifier(),
  response: unbindResult(),
})

export const requestTokenTo3PIDEmail = clientEndpoint('POST', '/_matrix/client/v3/account/3pid/email/requestToken', {
  auth: 'none',
  rateLimit: 'registration',
  body: emailTokenRequest(),
  response: tokenRequested(),
})

export const requestTokenTo3PIDMSISDN = clientEndpoint('POST', '/_matrix/client/v3/account/3pid/msisdn/requestToken', {
  auth: 'none',
  rateLimit: 'registration',
  body: phoneTokenRequest(),
  response: tokenRequested(),
})
