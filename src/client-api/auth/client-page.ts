/** Pages that log in or register for clients that cannot. The client's script takes what comes of it, so these need one too. */
import { type Markup, markup, page } from '../../core/markup.ts'
import type { RawResponse } from '../../http/reply.ts'
import { answer, type Policy, script } from './pages.ts'

export interface ClientPage {
  readonly title: string
  readonly heading: string
  /** What the script finds in `request`, and sends with what is in the fields. */
  readonly request: object
  readonly fields: Markup
  /** Below the form. */
  readonly others?: Markup | undefined
  /** Defines `send`, which is run for the form, and puts in place what clients put their hook into. */
  readonly code: string
  readonly policies?: readonly Policy[]
}

/** Clients put their hook in while the page is there, so nothing may lead to another one. */
const COMMON = `
const form = document.querySelector('form')
const mistake = form.querySelector('[role=alert]')
const button = form.querySelector('button')
const request = JSON.parse(form.dataset.request)

async function post(path, body) {
  const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) })
  return { status: response.status, answer: await response.json() }
}

function done(title) {
  document.querySelector('h1').textContent = title
  document.querySelector('#ways').textContent = 'You can close this page and go back to your client.'
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  button.disabled = true
  mistake.textContent = ''
  try {
    await send()
  } catch (error) {
    mistake.textContent = 'The server does not answer. Try again.'
    console.error(error)
  }
  button.disabled = false
})
`

/** The script calls this server. Apps hand over what they are told by opening a frame at an address of this scheme. */
const POLICY: Policy = { 'connect-src': "'self'", 'frame-src': 'js:' }

export function clientPage({ title, heading, request, fields, others, code, policies = [] }: ClientPage): RawResponse {
  const { element, policy } = script(COMMON + code)
  // Without scripts, what is sent goes nowhere, but not into an address either.
  const form = markup`<form method="post" data-request="${JSON.stringify(request)}">
<p class="bad" role="alert"></p>${fields}</form><noscript><p class="bad">This page needs JavaScript.</p></noscript>`
  const body = markup`<h1>${heading}</h1><div id="ways">${form}${others}</div>${element}`
  return answer(200, page(title, body), policy, POLICY, ...policies)
}
