import type { ServerName } from '../../../schemas/ids.ts'
import { exchangeThirdPartyInvite } from '../../../schemas/server/third-party-invite.ts'
import type { InviteExchange } from '../../rooms/third-party-invites.ts'
import { FOR_A_USER, type FederationClient } from '../client.ts'

/** Asks the server of an invite's sender to send it. https://spec.matrix.org/v1.19/server-server-api/#third-party-invites */
export function inviteExchange(client: Pick<FederationClient, 'call'>) {
  return async (server: ServerName, invite: InviteExchange): Promise<void> => {
    await client.call(exchangeThirdPartyInvite, server, { params: { roomId: invite.room_id }, body: invite }, FOR_A_USER)
  }
}
