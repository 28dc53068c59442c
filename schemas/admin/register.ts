/**
 * Registration by a shared secret, as the tool `register_new_matrix_user` speaks it.
 * https://element-hq.github.io/synapse/latest/admin_api/register_api.html
 */
import { Type } from 'typebox'
import { credentials } from '../definitions.ts'
import { endpoint } from '../endpoint.ts'
import { deviceId, serverName, userId } from '../ids.ts'

const PATH = '/_synapse/admin/v1/register'
const spec = 'https://element-hq.github.io/synapse/latest/admin_api/register_api.html'

export const getRegistrationNonce = endpoint('GET', PATH, {
  auth: 'none',
  rateLimit: 'registration',
  response: Type.Object({ nonce: Type.String() }),
  spec,
})

export const registerWithSecret = endpoint('POST', PATH, {
  auth: 'none',
  rateLimit: 'registration',
  body: Type.Object({
    nonce: Type.String(),
    username: Type.String(),
    displayname: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    password: Type.String(),
    admin: Type.Optional(Type.Boolean()),
    user_type: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    /** HMAC-SHA1 in hexadecimal digits, over nonce, user name, password, `admin` or `notadmin`, and the user type if there is one. */
    mac: Type.String(),
    device_id: Type.Optional(deviceId()),
    initial_device_display_name: Type.Optional(Type.String()),
    inhibit_login: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    user_id: userId(),
    ...Type.Partial(Type.Object(credentials)).properties,
    device_id: Type.Optional(deviceId()),
    home_server: Type.Optional(serverName()),
  }),
  spec,
})
