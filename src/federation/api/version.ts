import { getVersion } from '../../../schemas/server/version.ts'
import { PROGRAM_NAME, programVersion } from '../../core/version.ts'
import { type Route, route } from '../../http/route.ts'

export const versionRoutes = (): Route[] => {
  const answer = { server: { name: PROGRAM_NAME, version: programVersion() } }
  return [route(getVersion, async () => answer)]
}
