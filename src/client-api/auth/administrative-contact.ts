import { getAccount3PIDs } from '../../../schemas/client/administrative-contact.ts'
import { type Route, route } from '../../http/route.ts'

/** Accounts have no e-mail addresses and phone numbers here. */
export const administrativeContactRoutes = (): Route[] => [route(getAccount3PIDs, async () => ({ threepids: [] }))]
