import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, jsonObject, userProfile } from '../definitions.ts'
import { userId } from '../ids.ts'

const PROFILE = '/_matrix/client/v3/profile/:userId'
const FIELD = `${PROFILE}/:keyName`
/** From before fields of any name were in the specification. */
const UNSTABLE = '/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId'
const UNSTABLE_FIELD = `${UNSTABLE}/:keyName`

const params = Type.Object({ userId: userId(), keyName: Type.String() })

export const getUserProfile = clientEndpoint('GET', PROFILE, {
  alsoAt: [UNSTABLE],
  auth: 'none',
  rateLimit: 'read',
  params: Type.Object({ userId: userId() }),
  response: userProfile(),
})

export const getProfileField = clientEndpoint('GET', FIELD, {
  alsoAt: [UNSTABLE_FIELD],
  auth: 'none',
  rateLimit: 'read',
  params,
  response: jsonObject(),
})

export const setProfileField = clientEndpoint('PUT', FIELD, {
  alsoAt: [UNSTABLE_FIELD],
  auth: 'access-token',
  guests: true,
  rateLimit: 'write',
  params,
  body: jsonObject(),
  response: empty(),
})

export const deleteProfileField = clientEndpoint('DELETE', FIELD, {
  alsoAt: [UNSTABLE_FIELD],
  auth: 'access-token',
  guests: true,
  rateLimit: 'write',
  params,
  response: empty(),
})
