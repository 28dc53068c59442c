import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, jsonObject, MEGABYTE } from '../definitions.ts'
import { roomId, userId } from '../ids.ts'

const ofUser = () => Type.Object({ userId: userId(), type: Type.String({ minLength: 1 }) })
const ofRoom = () => Type.Object({ userId: userId(), roomId: roomId(), type: Type.String({ minLength: 1 }) })

export const setAccountData = clientEndpoint('PUT', '/_matrix/client/v3/user/:userId/account_data/:type', {
  auth: 'access-token',
  rateLimit: 'write',
  maxBody: MEGABYTE,
  params: ofUser(),
  body: jsonObject(),
  response: empty(),
})

export const getAccountData = clientEndpoint('GET', '/_matrix/client/v3/user/:userId/account_data/:type', {
  auth: 'access-token',
  rateLimit: 'read',
  params: ofUser(),
  response: jsonObject(),
})

export const setAccountDataPerRoom = clientEndpoint('PUT', '/_matrix/client/v3/user/:userId/rooms/:roomId/account_data/:type', {
  auth: 'access-token',
  rateLimit: 'write',
  maxBody: MEGABYTE,
  params: ofRoom(),
  body: jsonObject(),
  response: empty(),
})

export const getAccountDataPerRoom = clientEndpoint('GET', '/_matrix/client/v3/user/:userId/rooms/:roomId/account_data/:type', {
  auth: 'access-token',
  rateLimit: 'read',
  params: ofRoom(),
  response: jsonObject(),
})

const DELETION = 'https://github.com/matrix-org/matrix-spec-proposals/pull/3391'
const UNSTABLE_USER = '/_matrix/client/unstable/org.matrix.msc3391/user/:userId'

export const deleteAccountData = clientEndpoint('DELETE', `${UNSTABLE_USER}/account_data/:type`, {
  auth: 'access-token',
  rateLimit: 'write',
  spec: DELETION,
  params: ofUser(),
  response: empty(),
})

export const deleteAccountDataPerRoom = clientEndpoint('DELETE', `${UNSTABLE_USER}/rooms/:roomId/account_data/:type`, {
  auth: 'access-token',
  rateLimit: 'write',
  spec: DELETION,
  params: ofRoom(),
  response: empty(),
})
