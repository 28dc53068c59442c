import {
  getProtocolMetadata,
  getProtocols,
  queryLocationByAlias,
  queryLocationByProtocol,
  queryUserByID,
  queryUserByProtocol,
} from '../../../schemas/client/third-party-lookup.ts'
import { notFound } from '../../core/errors.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'

const noSuchProtocol = () => notFound('No application service bridges that protocol')

/** What application services know of other networks: nothing, as long as none says that it bridges one. */
export const thirdPartyLookupRoutes = (): Route[] => [
  route(getProtocols, async () => ({})),
  route(getProtocolMetadata, () => Promise.reject(noSuchProtocol())),
  route(queryLocationByProtocol, () => Promise.reject(noSuchProtocol())),
  route(queryUserByProtocol, () => Promise.reject(noSuchProtocol())),
  route(queryLocationByAlias, async () => rawJson('[]')),
  route(queryUserByID, async () => rawJson('[]')),
]
