import {
  add3PID,
  bind3PID,
  delete3pidFromAccount,
  getAccount3PIDs,
  post3PIDs,
  unbind3pidFromAccount,
} from '../../../schemas/client/administrative-contact.ts'
import { type Route, route } from '../../http/route.ts'
import type { AccountAddresses } from '../../users/third-party-ids.ts'

export const administrativeContactRoutes = ({ addresses }: { readonly addresses: AccountAddresses }): Route[] => [
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
    const proof =
      'three_pid_creds' in body
        ? body.three_pid_creds
        : { sid: body.threePidCreds.sid, client_secret: body.threePidCreds.clientSecret }
    await addresses.addProven(requester, proof)
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
