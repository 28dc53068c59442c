/** An identity server on this machine, as far as homeservers speak with one. It knows its users' addresses from `bind`. */
import { createHash } from 'node:crypto'
import type { JsonObject } from '../../schemas/json.ts'
import { signingKeyFromSeed, signJson } from '../../src/protocol/signing.ts'
import { type WebAnswer, type WebRequest, webServer } from './web-server.ts'

const PEPPER = 'pepper'
const TOKEN = 'a token for the identity server'
const V2 = '/_matrix/identity/v2'

export async function identityServer(tls: { readonly cert: string; readonly key: string }) {
  const state = {
    /** Users by address. */
    bound: new Map<string, string>(),
    /** Addresses by session. */
    proven: new Map([['a session', 'proven@example.org']]),
    invites: [] as JsonObject[],
    /** The key has been revoked. */
    isRevoked: false,
  }
  const server = await webServer((request) => answer(state, `localhost:${server.port}`, request), tls)
  const name = `localhost:${server.port}`
  return {
    ...state,
    name,
    accessToken: TOKEN,
    requests: server.requests,
    revokeKey: () => {
      state.isRevoked = true
    },
    /** What proves to homeservers that a user has an invited address. */
    signed: (userId: string, token: string, more: JsonObject = {}): JsonObject =>
      signJson({ mxid: userId, token, ...more }, name, KEY),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const KEY = signingKeyFromSeed('0', new Uint8Array(32).fill(7))

interface State {
  readonly bound: Map<string, string>
  readonly proven: ReadonlyMap<string, string>
  readonly invites: JsonObject[]
  readonly isRevoked: boolean
}

function answer(state: State, name: string, { url, headers, body }: WebRequest): WebAnswer {
  const path = url.pathname.slice(V2.length)
  if (path === '/pubkey/isvalid')
    return { body: { valid: !state.isRevoked && url.searchParams.get('public_key') === KEY.publicKey } }
  const sent = body === '' ? {} : (JSON.parse(body) as JsonObject)
  if (path === '/3pid/unbind') return unbind(state, sent, headers.authorization)
  if (headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: { errcode: 'M_UNAUTHORIZED' } }
  switch (path) {
    case '/hash_details':
      return { body: { lookup_pepper: PEPPER, algorithms: ['sha256'] } }
    case '/lookup':
      return { body: { mappings: lookUp(state, sent['addresses'] as string[]) } }
    case '/store-invite':
      state.invites.push(sent)
      return { body: storedInvite(state, name) }
    case '/3pid/bind': {
      const address = state.proven.get(String(sent['sid']))
      if (address === undefined) return { status: 400, body: { errcode: 'M_NO_VALID_SESSION' } }
      state.bound.set(address, String(sent['mxid']))
      return { body: { medium: 'email', address, mxid: String(sent['mxid']) } }
    }
    default:
      return { status: 404, body: { errcode: 'M_UNRECOGNIZED' } }
  }
}

function lookUp({ bound }: State, hashes: readonly string[]): Record<string, string> {
  const known = [...bound].map(([address, userId]) => [hashOf(address), userId] as const)
  return Object.fromEntries(known.filter(([hash]) => hashes.includes(hash)))
}

const hashOf = (address: string) => createHash('sha256').update(`${address} email ${PEPPER}`).digest('base64url')

function storedInvite({ invites }: State, name: string): JsonObject {
  const validityUrl = `https://${name}${V2}/pubkey/isvalid`
  const keys = [{ public_key: KEY.publicKey, key_validity_url: validityUrl }]
  return { token: `token ${invites.length}`, display_name: 'b...@e...', public_keys: keys }
}

/** Homeservers sign the request. */
function unbind({ bound }: State, { threepid }: JsonObject, authorization: string | undefined): WebAnswer {
  if (!authorization?.startsWith('X-Matrix ')) return { status: 403, body: { errcode: 'M_FORBIDDEN' } }
  return bound.delete(String((threepid as JsonObject)['address'])) ? { body: {} } : { status: 404, body: {} }
}
