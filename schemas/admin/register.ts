/** Accounts made by whoever knows `registration.shared_secret`. The path and form are Synapse's, which its tools speak. */
import { Type } from 'typebox'
import { endpoint } from '../endpoint.ts'
import { credentials } from '../definitions.ts'
import { deviceId, serverName, userId } from '../ids.ts'

const PATH = '/_synapse/admin/v1/register'
const SPEC = 'https://element-hq.github.io/synapse/latest/admin_api/register_api.html'

/** The nonce is good for one registration. */
export const getRegistrationNonce = endpoint('GET', PATH, {
  auth: 'none',
  rateLimit: 'registration',
  response: Type.Object({ nonce: Type.String() }),
  spec: SPEC,
})

/** `mac` is the hex HMAC-SHA1, with the secret, of nonce, user name, password and `admin` or `notadmin`, and the user type if any, joined by NUL. */
export const registerWithSharedSecret = endpoint('POST', PATH, {
  auth: 'none',
  rateLimit: 'registration',
  body: Type.Object({
    nonce: Type.String(),
    username: Type.String(),
    password: Type.String(),
    admin: Type.Optional(Type.Boolean()),
    mac: Type.String(),
    displayname: Type.Optional(Type.String()),
    user_type: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    inhibit_login: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    user_id: userId(),
    home_server: Type.Optional(serverName()),
    ...Type.Partial(Type.Object(credentials)).properties,
    device_id: Type.Optional(deviceId()),
  }),
  spec: SPEC,
})
