import { uploadCrossSigningKeys, uploadCrossSigningSignatures } from '../../../schemas/client/cross-signing.ts'
import type { CrossSigning } from '../../devices/cross-signing.ts'
import type { KeySignatures } from '../../devices/key-signatures.ts'
import { type Route, route } from '../../http/route.ts'

export const crossSigningRoutes = (services: { crossSigning: CrossSigning; keySignatures: KeySignatures }): Route[] => [
  route(uploadCrossSigningKeys, async ({ requester, body }) => {
    await services.crossSigning.upload(requester, body)
    return {}
  }),
  route(uploadCrossSigningSignatures, async ({ requester, body }) => ({
    failures: await services.keySignatures.upload(requester, body),
  })),
]
