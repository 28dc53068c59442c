import { text } from 'node:stream/consumers'
import { showSetup, submitSetup } from '../../schemas/causeway.ts'
import { PAGE_HEADERS } from '../core/markup.ts'
import { RawResponse } from '../http/reply.ts'
import { type Route, route } from '../http/route.ts'
import type { Setup, SetupPage } from './setup-page.ts'

/** Where the first account is made; see Setup. */
export function setupRoutes(setup: Setup): Route[] {
  return [
    route(showSetup, async ({ query }) => answer(await setup.show(query.token ?? ''))),
    route(submitSetup, async (request) => {
      const form = new URLSearchParams(await text(request.stream()))
      return answer(await setup.submit(request.query.token ?? '', form))
    }),
  ]
}

const answer = ({ status, html }: SetupPage): RawResponse =>
  new RawResponse(status, { 'Content-Type': 'text/html; charset=utf-8', ...PAGE_HEADERS }, html)
