/** Endpoints of our own, beside what the specification has. Pages answer HTML, `/metrics` the text format of Prometheus. */
import { Type } from 'typebox'
import { clientEndpoint } from './apis.ts'
import { bytes } from './definitions.ts'
import { endpoint } from './endpoint.ts'

const response = Type.Object({})
const query = Type.Object({ token: Type.Optional(Type.String()) })

export const landing = endpoint('GET', '/', { auth: 'none', response, spec: '' })

export const showSetup = endpoint('GET', '/_causeway/setup', { auth: 'none', rateLimit: 'login', query, response, spec: '' })

/** The body is a form, not JSON. */
export const submitSetup = endpoint('POST', '/_causeway/setup', {
  auth: 'none',
  rateLimit: 'login',
  maxBody: 8 * 1024,
  query,
  response,
  spec: '',
})

const state = Type.Enum(['ok', 'failing'])
/** 200 when every part works, else 503. */
export const health = endpoint('GET', '/health', {
  auth: 'none',
  response: Type.Object({ status: state, parts: Type.Record(Type.String(), state) }),
  spec: '',
})

export const metrics = endpoint('GET', '/metrics', { auth: 'none', response, spec: '' })

const link = Type.Object({ sid: Type.String(), token: Type.String() })

/** Where the link in a mail leads that proves who reads it. */
export const showValidation = endpoint('GET', '/_causeway/email/validate', {
  auth: 'none',
  rateLimit: 'login',
  query: link,
  response: bytes(),
  spec: '',
})

/** The button on that page. */
export const submitValidation = endpoint('POST', '/_causeway/email/validate', {
  auth: 'none',
  rateLimit: 'login',
  maxBody: 8 * 1024,
  query: link,
  response: bytes(),
  spec: '',
})

const stage = {
  params: Type.Object({ type: Type.String() }),
  query: Type.Object({ session: Type.String() }),
  response: bytes(),
}

/** https://spec.matrix.org/v1.19/client-server-api/#fallback */
export const showAuthFallback = clientEndpoint('GET', '/_matrix/client/v3/auth/:type/fallback/web', {
  auth: 'none',
  rateLimit: 'login',
  ...stage,
})

/** The body is a form, not JSON. */
export const submitAuthFallback = clientEndpoint('POST', '/_matrix/client/v3/auth/:type/fallback/web', {
  auth: 'none',
  rateLimit: 'login',
  maxBody: 32 * 1024,
  ...stage,
})

const forwarded = {
  device_id: Type.Optional(Type.String()),
  initial_device_display_name: Type.Optional(Type.String()),
  refresh_token: Type.Optional(Type.Boolean()),
}

/** The page on which clients let log in that do not know our ways to. https://spec.matrix.org/v1.19/client-server-api/#login-fallback */
export const loginFallback = clientEndpoint('GET', '/_matrix/static/client/login/', {
  alsoAt: ['/_matrix/static/client/login'],
  auth: 'none',
  rateLimit: 'login',
  spec: 'https://spec.matrix.org/v1.19/client-server-api/#login-fallback',
  query: Type.Object({
    ...forwarded,
    /** Comes back from single sign-on. */
    loginToken: Type.Optional(Type.String()),
  }),
  response: bytes(),
})

/** Its like for registering, from before there was a specification; apps still know it. */
export const registrationFallback = clientEndpoint('GET', '/_matrix/static/client/register/', {
  alsoAt: ['/_matrix/static/client/register'],
  auth: 'none',
  rateLimit: 'registration',
  spec: '',
  query: Type.Object(forwarded),
  response: bytes(),
})

/** Where a CAS server sends the browser back to: with `redirectUrl` to log in, with `session` for user-interactive authentication. */
export const casTicket = clientEndpoint('GET', '/_matrix/client/v3/login/cas/ticket', {
  auth: 'none',
  rateLimit: 'login',
  query: Type.Object({
    ticket: Type.String(),
    redirectUrl: Type.Optional(Type.String()),
    session: Type.Optional(Type.String()),
  }),
  response: bytes(),
})

const provider = Type.Object({ idpId: Type.String() })
const sso = { auth: 'none', rateLimit: 'login', response: bytes(), spec: '' } as const

/** Where an OpenID provider sends the browser back to; the query is the provider's. */
export const ssoCallback = endpoint('GET', '/_causeway/sso/callback/:idpId', {
  ...sso,
  params: provider,
  query: Type.Record(Type.String(), Type.String()),
})

/** Sends the browser to an identity provider for a stage of user-interactive authentication. */
export const ssoProve = endpoint('GET', '/_causeway/sso/prove/:idpId', {
  ...sso,
  params: provider,
  query: Type.Object({ session: Type.String() }),
})

/** The form in which somebody who comes for the first time chooses a user name. */
export const ssoUsername = endpoint('POST', '/_causeway/sso/username', {
  ...sso,
  maxBody: 8 * 1024,
  query: Type.Object({ key: Type.String() }),
})
