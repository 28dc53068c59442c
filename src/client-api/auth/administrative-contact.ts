import {
  add3PID,
  bind3PID,
  delete3pidFromAccount,
  getAccount3PIDs,
  post3PIDs,
  unbind3pidFromAccount,
} from '../../../schemas/client/administrative-contact.ts'
import type { BodyOf } from '../../../schemas/endpoint.ts'
import { forbidden } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { AccountAddresses, ProofSession } from '../../users/third-party-ids.ts'

interface Services {
  readonly addresses: AccountAddresses
  /** The older endpoint adds addresses too, without user-interactive authentication. */
  readonly addsWithoutAuthentication: boolean
}

export const administrativeContactRoutes = ({ addresses, addsWithoutAuthentication }: Services): Route[] => [
  route(getAccount3PIDs, async ({ requester }) => {
    const threepids = await addresses.ofUser(requester.userNid)
    return {
      threepids: threepids.map(({ medium, address, validatedTs, addedTs }) => ({
        medium,
        address,
        validated_at: validatedTs,
        added_at: addedTs,
      })),
    }
  }),
  route(post3PIDs, async ({ requester, body }) => {
    if (addsWithoutAuthentication) {
      await addresses.addProven(requester, proofIn(body))
      return {}
    }
    // This results in this endpoint being an equivalent to `/3pid/bind` rather than dual-purpose.
    if (!('three_pid_creds' in body)) throw forbidden('Add addresses with /account/3pid/add')
    const { id_server: idServer, id_access_token: accessToken, ...proof } = body.three_pid_creds
    await addresses.bind(requester, { idServer, accessToken }, proof)
    return {}
  }),
  route(add3PID, async ({ requester, body }) => {
    await addresses.add(requester, body)
    return {}
  }),
  route(bind3PID, async ({ requester, body }) => {
    await addresses.bind(requester, { idServer: body.id_server, accessToken: body.id_access_token }, body)
    return {}
  }),
  route(delete3pidFromAccount, async ({ requester, body }) => ({
    id_server_unbind_result: await addresses.remove(requester, body, body.id_server),
  })),
  route(unbind3pidFromAccount, async ({ requester, body }) => ({
    id_server_unbind_result: await addresses.unbind(requester, body, body.id_server),
  })),
]

function proofIn(body: BodyOf<typeof post3PIDs>): ProofSession {
  if ('three_pid_creds' in body) return body.three_pid_creds
  return { sid: body.threePidCreds.sid, client_secret: body.threePidCreds.clientSecret }
}
