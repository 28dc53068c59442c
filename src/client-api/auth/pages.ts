/** The pages of logging in and of user-interactive authentication, for a browser. */
import { hash } from 'node:crypto'
import { type JsonObject, isJsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import { Markup, markup, page, PAGE_HEADERS } from '../../core/markup.ts'
import { RawResponse } from '../../http/reply.ts'

/** What the specification has the page of a stage run once the stage is passed. */
const AUTH_DONE =
  "if(window.onAuthDone){window.onAuthDone()}else if(window.opener&&window.opener.postMessage){window.opener.postMessage('authDone','*')}"
const RECAPTCHA = 'https://www.google.com/recaptcha/'
const RECAPTCHA_PARTS = 'https://www.gstatic.com/recaptcha/'

/** What a page may do beyond what all of them may: sources by directive of a content security policy. */
export type Policy = Readonly<Record<string, string>>

export const RECAPTCHA_POLICY: Policy = {
  'script-src': `${RECAPTCHA} ${RECAPTCHA_PARTS}`,
  'frame-src': RECAPTCHA,
  'connect-src': RECAPTCHA,
  'img-src': RECAPTCHA_PARTS,
}

export function answer(status: number, html: string, ...policies: readonly Policy[]): RawResponse {
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    ...PAGE_HEADERS,
    'Content-Security-Policy': policyOf(policies),
  }
  return new RawResponse(status, headers, html)
}

function policyOf(policies: readonly Policy[]): string {
  const sources = new Map<string, string>()
  for (const policy of policies)
    for (const [directive, more] of Object.entries(policy)) {
      const known = sources.get(directive)
      sources.set(directive, known === undefined ? more : `${known} ${more}`)
    }
  return [PAGE_HEADERS['Content-Security-Policy'], ...[...sources].map((entry) => entry.join(' '))].join('; ')
}

/** A few words. */
export function note(status: number, title: string, text: string): RawResponse {
  return answer(status, page(title, markup`<h1>${title}</h1><p>${text}</p>`))
}

/** A button that has to be pressed by a person: programs that follow the links of mails do not. */
export function confirmPage(title: string, text: string, action: string, button: string): RawResponse {
  const form = markup`<form method="post" action="${action}"><button>${button}</button></form>`
  return answer(200, page(title, markup`<h1>${title}</h1><p>${text}</p>${form}`))
}

export function stageDone(): RawResponse {
  const { element, policy } = script(AUTH_DONE)
  const body = markup`<h1>Thank you</h1><p>You can close this page and go back to your client.</p>${element}`
  return answer(200, page('Thank you', body), policy)
}

/** A script of ours, and what allows a page to run it and no other. */
export function script(code: string): { readonly element: Markup; readonly policy: Policy } {
  const policy = { 'script-src': `'sha256-${hash('sha256', code, 'base64')}'` }
  return { element: new Markup(`<script>${code}</script>`), policy }
}

/** The form of a stage; undefined for a stage that only a client can do. */
export function stageForm(type: string, action: string, params: JsonObject, mistake?: string): RawResponse | undefined {
  const wrong = mistake === undefined ? undefined : markup`<p class="bad" role="alert">${mistake}</p>`
  const status = mistake === undefined ? 200 : 400
  const form = (title: string, fields: Markup, policy: Policy = {}) =>
    answer(status, page(title, markup`<h1>${title}</h1>${wrong}<form method="post" action="${action}">${fields}</form>`), policy)
  switch (type) {
    case 'm.login.dummy':
      return form('One more step', markup`<button>Continue</button>`)
    case 'm.login.terms':
      return form('Terms', markup`<p>To register you have to accept:</p>${termsList(params)}<button>I accept</button>`)
    case 'm.login.registration_token':
      return form('Registration token', markup`${tokenField('Token', new Markup('autofocus'))}<button>Continue</button>`)
    case 'm.login.recaptcha':
      return form('Are you human?', markup`${recaptcha(params)}<button>Continue</button>`, RECAPTCHA_POLICY)
    default:
      return undefined
  }
}

export function tokenField(label: string, more?: Markup): Markup {
  return markup`<label for="token">${label}</label><input id="token" name="token" required ${more} autocomplete="off">`
}

/** On a page with `RECAPTCHA_POLICY`. */
export function recaptcha(params: JsonObject): Markup {
  return markup`${new Markup(`<script src="${RECAPTCHA}api.js" async defer></script>`)}
<div class="g-recaptcha" data-sitekey="${stringAt(params, 'public_key') ?? ''}"></div>`
}

/** What has to be accepted. */
export function termsList(params: JsonObject): Markup {
  const known = Object.values(objectAt(params, 'policies') ?? {}).flatMap((policy) => {
    const text = isJsonObject(policy) ? objectAt(policy, 'en') : undefined
    return text ? [markup`<li><a href="${stringAt(text, 'url') ?? ''}">${stringAt(text, 'name') ?? ''}</a></li>`] : []
  })
  return markup`<ul>${known}</ul>`
}
