import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { credentials, discoveryInformation, jsonObject } from '../definitions.ts'
import { deviceId, serverName, userId } from '../ids.ts'

export const getLoginFlows = clientEndpoint('GET', '/_matrix/client/v3/login', {
  auth: 'none',
  response: Type.Object({
    flows: Type.Array(
      Type.Object({
        type: Type.String(),
        get_login_token: Type.Optional(Type.Boolean()),
        /** Of `m.login.sso`. */
        identity_providers: Type.Optional(
          Type.Array(
            Type.Object({
              id: Type.String(),
              name: Type.String(),
              icon: Type.Optional(Type.String()),
              brand: Type.Optional(Type.String()),
            }),
          ),
        ),
      }),
    ),
  }),
})

export const login = clientEndpoint('POST', '/_matrix/client/v3/login', {
  auth: 'none',
  rateLimit: 'login',
  body: Type.Object({
    type: Type.String(),
    /** `type` and, by type, `user`; `medium` and `address`; `country` and `phone`. */
    identifier: Type.Optional(jsonObject()),
    user: Type.Optional(Type.String()),
    medium: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    token: Type.Optional(Type.String()),
    device_id: Type.Optional(deviceId()),
    initial_device_display_name: Type.Optional(Type.String()),
    refresh_token: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    user_id: userId(),
    ...credentials,
    device_id: deviceId(),
    home_server: Type.Optional(serverName()),
    well_known: Type.Optional(discoveryInformation()),
  }),
})
