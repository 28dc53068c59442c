/** Groups of keys that schema.ts has in several places, or that are long. */
import { Type } from 'typebox'
import {
  choice,
  count,
  flag,
  group,
  list,
  milliseconds,
  opaqueId,
  path,
  perSecond,
  port,
  secret,
  text,
  turnUri,
  url,
} from './keys.ts'

export const listener = group('A socket that the server listens on.', {
  address: text('IP address to listen on; `0.0.0.0` is every IPv4 address, `::` every address.', { default: '127.0.0.1' }),
  port: port('Port to listen on; 0 is any free one.'),
  tls: Type.Optional(
    group('Serve HTTPS with this certificate; without it, plain HTTP for a reverse proxy.', {
      certificate: path('PEM file with the certificate and its chain.'),
      key: path('PEM file with the private key.'),
    }),
  ),
  resources: list(
    'What is served here. `metrics` is open to whoever can connect: give it a listener of its own.',
    choice('A part of the server.', ['client', 'federation', 'media', 'admin', 'metrics']),
    { default: ['client', 'federation', 'media', 'admin'] },
  ),
})

export const limit = (what: string, rate: number, burst: number) =>
  group(what, {
    per_second: perSecond('How many are let through a second, in the long run.', rate),
    burst: count('How many may come at once.', burst),
  })

export const openIdProvider = group('A provider.', {
  id: opaqueId('What it is called in addresses, such as `company`. Changing it breaks nothing but bookmarks.'),
  name: text('What users know it as.'),
  icon: Type.Optional(text('`mxc://` URI of its logo, for clients.')),
  brand: Type.Optional(text('Its brand, such as `github`, for clients that know what it looks like.')),
  issuer: url('Its issuer: the address before `/.well-known/openid-configuration`.'),
  client_id: text('What this server is called there.'),
  client_secret: Type.Optional(secret('The secret of this server there; without it, PKCE alone.')),
  scopes: list('What is asked for.', text('A scope.'), { default: ['openid', 'profile', 'email'] }),
  claims: group('Names of the claims that tell about a user.', {
    localpart: text('The name for the user ID. Where it gives none that is free, the user chooses one.', {
      default: 'preferred_username',
    }),
    display_name: text('The display name.', { default: 'name' }),
    email: text('The e-mail address; it counts only where the provider says `email_verified`.', { default: 'email' }),
  }),
  allow_registration: flag('Who comes for the first time gets an account.', true),
  allow_existing_users: flag(
    'Who comes for the first time and has the name of an account gets that account: only for a provider where nobody can choose their own name.',
    false,
  ),
})

export const turnServers = group(
  'TURN servers, through which calls between two users go where their devices do not reach each other.',
  {
    uris: list('Their addresses.', turnUri('Such as `turn:turn.example.org:3478?transport=udp`.')),
    shared_secret: secret('The secret that they share with this server: `static-auth-secret` of coturn.'),
    lifetime_ms: milliseconds('How long what a user is let in with is good.', 86_400_000),
  },
)
