/** The page on which whoever starts a new server makes the first account, an administrator's. */
import type { UserId } from '../../schemas/ids.ts'
import { MatrixError } from '../core/errors.ts'
import { type Markup, markup, page } from '../core/markup.ts'
import { sameSecret } from '../core/same-secret.ts'
import { PROGRAM_NAME } from '../core/version.ts'

export interface SetupPage {
  readonly status: 200 | 400 | 403
  readonly html: string
}

interface Deps {
  readonly serverName: string
  /** Where clients reach the server, without a slash at the end. */
  readonly baseUrl: string
  /** Lets in whoever has been shown it. */
  readonly token: string
  /** True once the server has an account. */
  hasAccounts(): Promise<boolean>
  /** Makes the account unless there is one already. Throws MatrixError where the name or the password will not do. */
  createAdmin(name: string, password: string): Promise<UserId>
}

export const SETUP_PATH = '/_causeway/setup'

export class Setup {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The link to print. */
  get link(): string {
    return `${this.#deps.baseUrl}${SETUP_PATH}?token=${this.#deps.token}`
  }

  /** The empty form. */
  async show(token: string): Promise<SetupPage> {
    return (await this.#isOpenFor(token)) ? this.#form(200, '', undefined) : closed
  }

  /** Makes the account from the form's fields `name`, `password` and `repeated`. */
  async submit(token: string, form: URLSearchParams): Promise<SetupPage> {
    if (!(await this.#isOpenFor(token))) return closed
    const name = form.get('name') ?? ''
    const password = form.get('password') ?? ''
    if (password !== form.get('repeated')) return this.#form(400, name, 'The two passwords differ.')
    try {
      return this.#done(await this.#deps.createAdmin(name, password))
    } catch (error) {
      if (error instanceof MatrixError) return this.#form(400, name, error.message)
      throw error
    }
  }

  async #isOpenFor(token: string): Promise<boolean> {
    return sameSecret(token, this.#deps.token) && !(await this.#deps.hasAccounts())
  }

  #form(status: 200 | 400, name: string, mistake: string | undefined): SetupPage {
    const { serverName, token } = this.#deps
    const body = markup`
<h1>Make the first account</h1>
<p class="faint">You are setting up <b>${serverName}</b>. This account will be its administrator.</p>
${mistake === undefined ? undefined : markup`<p class="bad" role="alert">${mistake}</p>`}
<form method="post" action="${SETUP_PATH}?token=${token}">
<label for="name">User name</label>
<input id="name" name="name" value="${name}" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="200">
${passwordField('password', 'Password')}${passwordField('repeated', 'Password again')}
<button>Create account</button>
</form>`
    return { status, html: page(`Set up ${serverName}`, body) }
  }

  #done(userId: UserId): SetupPage {
    const { serverName, baseUrl } = this.#deps
    const body = markup`
<h1>Welcome, ${userId}</h1>
<p>Your account is ready, and this page has done its work.</p>
<ol><li>Open a Matrix client, for example <a href="https://app.element.io/">Element</a>.</li>
<li>As homeserver, enter <code>${baseUrl}</code></li><li>Log in as <code>${userId}</code></li></ol>`
    return { status: 200, html: page(`${serverName} is ready`, body) }
  }
}

const passwordField = (name: string, label: string): Markup => markup`
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="password" required autocomplete="new-password" minlength="8" maxlength="512">`

const closed: SetupPage = {
  status: 403,
  html: page(
    'Not available',
    markup`<h1>This link does not work</h1>
<p>It works once, until the first account exists; ${PROGRAM_NAME} prints a new one when it starts without any account.
Further accounts are made with <code>create-user</code> on the command line.</p>`,
  ),
}
