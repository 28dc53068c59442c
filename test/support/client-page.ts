/** Pages that act for clients, and as much of a browser as their scripts need. */
import assert from 'node:assert/strict'
import { runInNewContext } from 'node:vm'
import type { TestHomeserver } from './homeserver.ts'

export interface ClientPage {
  readonly status: number
  readonly text: string
  /** Empty where there is none. */
  readonly script: string
  readonly policy: string
}

/** What pages and clients have between them. */
export type Hooks = Record<string, Record<string, unknown> | undefined>

export async function clientPage(hs: TestHomeserver, path: string, query: Record<string, string> = {}): Promise<ClientPage> {
  const response = await fetch(`${hs.url}${path}?${new URLSearchParams(query)}`)
  const text = await response.text()
  const [script = '', ...others] = [...text.matchAll(/<script>(.*?)<\/script>/gs)].map(([, code]) => code ?? '')
  assert.deepEqual(others, [])
  return { status: response.status, text, script, policy: response.headers.get('content-security-policy') ?? '' }
}

/** What the script sees of a page: elements, by what it asks for them with. */
function elementsOf(text: string, fields: Record<string, string>) {
  const request = /data-request="([^"]*)"/.exec(text)?.[1] ?? ''
  const unescaped = request.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
  const listeners: ((event: object) => Promise<void>)[] = []
  const [mistake, button, h1, ways] = [{ textContent: '' }, { disabled: false }, { textContent: '' }, { textContent: '' }]
  const form = {
    dataset: { request: unescaped },
    elements: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value }])),
    querySelector: (what: string) => (what === 'button' ? button : mistake),
    addEventListener: (_: string, listener: (event: object) => Promise<void>) => listeners.push(listener),
  }
  const querySelector = (what: string) => (what === 'form' ? form : what === 'h1' ? h1 : ways)
  return { querySelector, mistake, ways, submit: () => listeners[0]?.({ preventDefault: () => {} }) }
}

/** Fills in the form of a page; `hook` is the client's, put in as apps do it: once the page is there. */
export async function submit(
  hs: TestHomeserver,
  page: ClientPage,
  fields: Record<string, string>,
  hook: (window: Hooks) => void,
): Promise<{ readonly mistake: string; readonly said: string }> {
  const document = elementsOf(page.text, fields)
  const window: Hooks = {}
  const fetchHere = (path: string, init: RequestInit) => fetch(`${hs.url}${path}`, init)
  runInNewContext(page.script, { document, window, fetch: fetchHere, console })
  hook(window)
  await document.submit()
  return { mistake: document.mistake.textContent, said: document.ways.textContent }
}
