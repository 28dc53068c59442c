import { landing } from '../../../schemas/causeway.ts'
import { PAGE_HEADERS } from '../../core/markup.ts'
import { html } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import { type LandingPage, landingPage } from './landing-page.ts'

/** The page at `/`. */
export function landingRoute(settings: LandingPage): Route {
  const text = landingPage(settings)
  return route(landing, async () => html(text, PAGE_HEADERS))
}
