/** What a browser shows at `/`. */
import { type Markup, markup, page } from '../../core/markup.ts'
import { PROGRAM_NAME } from '../../core/version.ts'

export interface LandingPage {
  readonly serverName: string
  readonly version: string
  /** Where clients reach the server, without a slash at the end. */
  readonly baseUrl: string
  readonly registrationOpen: boolean
}

/** The page as HTML. */
export function landingPage({ serverName, version, baseUrl, registrationOpen }: LandingPage): string {
  return page(
    `${serverName} – a Matrix homeserver`,
    markup`
<h1>${serverName}</h1>
<p class="faint">A <a href="https://matrix.org/">Matrix</a> homeserver, run by ${PROGRAM_NAME} ${version}.</p>
<h2>Connect a client</h2>
<ol>
<li>Take any <a href="https://matrix.org/ecosystem/clients/">Matrix client</a>, for example <a href="https://app.element.io/">Element</a>.</li>
<li>As homeserver, enter <code>${baseUrl}</code></li>
<li>${firstSteps(registrationOpen, serverName)}</li>
</ol>
<h2>For programs</h2>
<p><a href="/_matrix/client/versions">Supported versions</a> · <a href="https://spec.matrix.org/latest/">Specification</a></p>
`,
  )
}

function firstSteps(registrationOpen: boolean, serverName: string): Markup {
  return registrationOpen
    ? markup`Create an account, or log in with your user name. You will be <code>@name:${serverName}</code>.`
    : markup`Log in with your user name. Accounts are given out by whoever runs this server; registration is closed.`
}
