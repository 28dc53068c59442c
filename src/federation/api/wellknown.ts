import { getWellKnown } from '../../../schemas/server/wellknown.ts'
import { notFound } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'

export interface WellKnownServices {
  /** `well_known.server` of the configuration: where this server is for others. */
  readonly delegatedServer: string | undefined
}

export const wellKnownRoutes = ({ delegatedServer }: WellKnownServices): Route[] => [
  route(getWellKnown, async () => {
    if (delegatedServer === undefined) throw notFound('This server is where its name says')
    return { 'm.server': delegatedServer }
  }),
]
