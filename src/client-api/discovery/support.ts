import { getWellknownSupport } from '../../../schemas/client/support.ts'
import type { ResponseOf } from '../../../schemas/endpoint.ts'
import { notFound } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'

type Support = ResponseOf<typeof getWellknownSupport>

export interface SupportOptions {
  readonly contacts: readonly {
    readonly role: string
    readonly matrixId?: string | undefined
    readonly emailAddress?: string | undefined
  }[]
  readonly supportPage?: string | undefined
}

export const supportRoutes = (services: { support: SupportOptions | undefined }): Route[] => {
  const support = services.support && supportOf(services.support)
  return [
    route(getWellknownSupport, async () => {
      // At least one of `contacts` or `support_page` is required.
      if (!support || Object.keys(support).length === 0) throw notFound('Whom to ask for help is not configured')
      return support
    }),
  ]
}

function supportOf({ contacts, supportPage }: SupportOptions): Support {
  const listed = contacts.map(({ role, matrixId, emailAddress }) => ({
    role,
    ...(matrixId !== undefined && { matrix_id: matrixId }),
    ...(emailAddress !== undefined && { email_address: emailAddress }),
  }))
  return { ...(listed.length > 0 && { contacts: listed }), ...(supportPage !== undefined && { support_page: supportPage }) }
}
