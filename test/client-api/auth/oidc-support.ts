/** A server that users log in to through OpenID providers: a real one over TLS, and a browser that keeps its cookies. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../../../schemas/json.ts'
import { type TestHomeserver, testHomeserver } from '../../support/homeserver.ts'
import { CLIENT_ID, CLIENT_SECRET, oidcProvider } from '../../support/oidc-provider.ts'
import { call, TestUser } from '../../support/user.ts'

export const CLIENT = 'https://client.example/?loginToken=old&p=1#/home'
export const KNOWN_CLIENT = 'https://app.example/web/'
export const REDIRECT = '/_matrix/client/v3/login/sso/redirect'

export async function serverWithOidc(settings: JsonObject = {}) {
  const stack = new AsyncDisposableStack()
  const provider = stack.use(await oidcProvider())
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const authority = join(folder, 'authority.pem')
  const secret = join(folder, 'secret')
  await writeFile(authority, provider.authorityPem)
  await writeFile(secret, `${CLIENT_SECRET}\n`)
  const common = { issuer: provider.issuer, client_id: CLIENT_ID, client_secret_file: secret }
  const company = { id: 'company', name: 'The <Company>', brand: 'company', ...common, ...settings }
  const hs = stack.use(
    await testHomeserver({
      config: {
        sso: { oidc: [company, { ...common, id: 'other', name: 'Other' }], client_whitelist: [KNOWN_CLIENT] },
        outbound_http: { ip_range_denylist: [], custom_ca_files: [authority] },
      },
    }),
  )
  return { hs, provider, log: () => readFile(join(hs.folder, 'log'), 'utf8'), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Keeps its cookie, and follows nothing by itself. */
export class Browser {
  cookie = ''

  /** @param site as which kind of other page's link it opens the address, where it says so */
  async open(address: string, form?: Record<string, string>, site?: string) {
    const response = await fetch(address, {
      redirect: 'manual',
      headers: { cookie: this.cookie, ...(site !== undefined && { 'sec-fetch-site': site }) },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    const { status, headers } = response
    const cookie = headers.get('set-cookie') ?? ''
    if (cookie !== '') this.cookie = cookie.split(';')[0] ?? ''
    return { status, cookie, location: headers.get('location') ?? '', text: await response.text() }
  }

  /** Begins a login, is logged in at the provider, and comes back. */
  async logIn({ hs, provider }: Pick<Server, 'hs' | 'provider'>, redirectUrl = CLIENT) {
    return this.open(provider.logIn(await this.begin(hs, redirectUrl)))
  }

  async begin(hs: TestHomeserver, redirectUrl = CLIENT, id = 'company'): Promise<string> {
    const sent = await this.open(`${hs.url}${REDIRECT}/${id}?${new URLSearchParams({ redirectUrl })}`)
    assert.equal(sent.status, 302, sent.text)
    return sent.location
  }
}

type Server = Awaited<ReturnType<typeof serverWithOidc>>

/** Logs in with the token on a page, or in an address. */
export async function useToken(hs: TestHomeserver, text: string): Promise<TestUser> {
  const token = /loginToken=([\w-]+)/.exec(text)?.[1] ?? ''
  const { status, body } = await call(hs, 'POST', 'login', { type: 'm.login.token', token })
  assert.equal(status, 200, JSON.stringify(body))
  return new TestUser(hs, String(body['user_id']), String(body['access_token']), String(body['device_id']))
}
