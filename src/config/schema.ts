/** Every configuration key, declared once: validation, types, defaults, environment variables and docs/configuration.md derive from it. */
import { type Static, type TSchema, Type } from 'typebox'
import {
  choice,
  count,
  flag,
  group,
  hostAndPort,
  infoOf,
  ipRange,
  list,
  map,
  milliseconds,
  path,
  port,
  secret,
  server,
  size,
  text,
  url,
  userIdText,
} from './keys.ts'
import { limit, listener, openIdProvider, turnServers } from './groups.ts'

/** What is not on the public internet: private, loopback, link-local, shared, documentation and multicast ranges. */
const PRIVATE_RANGES = (
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 ' +
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 ' +
  '::/128 ::1/128 64:ff9b:1::/48 100::/64 2001:db8::/32 fc00::/7 fe80::/10 fec0::/10 ff00::/8'
).split(' ')
const denylist = (what: string) =>
  list(`Address ranges that ${what} never connects to.`, ipRange(), {
    default: PRIVATE_RANGES,
    defaultNote: 'private, loopback, link-local and other ranges that are not on the public internet',
  })
const certificates = () =>
  list("PEM files with certificate authorities that are trusted on top of the system's.", path('A PEM file.'), { default: [] })

export const configSchema = group('The configuration of one server.', {
  server_name: server({
    description: 'The name of the server on the wire, the part after the colon in `@alice:example.org`. It can never be changed.',
    defaultNote: '`localhost`, but only without a configuration file',
  }),
  public_base_url: Type.Optional(
    url('Where clients reach the server from outside, without a path.', {
      defaultNote: '`https://<server_name>`; for `localhost` the first listener',
    }),
  ),
  listeners: list('The sockets.', listener, { defaultNote: '`http://localhost:8008`: 127.0.0.1, and ::1 where there is IPv6' }),
  trusted_proxies: list('Addresses of reverse proxies whose X-Forwarded-For header is believed.', ipRange(), { default: [] }),
  max_connections_per_address: count(
    'TCP connections that may be open from one address (an IPv6 /64 network) at once. Those of `trusted_proxies` and of this machine are not counted.',
    5_000,
  ),
  database: group('Where everything but media is kept.', {
    path: path('The SQLite database file; `:memory:` keeps nothing.', { default: 'data/homeserver.db' }),
    url: Type.Optional(secret('A PostgreSQL URL. Not available yet: setting it is an error.')),
  }),
  signing_key_path: path('The Ed25519 key that signs what the server sends; made on the first start. Keep a copy.', {
    default: 'data/signing.key',
  }),
  old_signing_keys: list(
    'Keys that the server signed with in the past, so that its old events can still be checked.',
    group('A key.', {
      key_id: text('Its name, such as `ed25519:a_abcd`.'),
      public_key: text('The public key in unpadded base64.'),
      expired_ts: milliseconds('When it was given up, since the Unix epoch.'),
    }),
    { default: [] },
  ),
  log: group('Logging.', {
    level: choice('The least important messages to log.', ['fatal', 'error', 'warn', 'info', 'debug', 'trace'], 'info'),
    format: choice('JSON has one object a line; `auto` is text on a terminal, else JSON.', ['auto', 'json', 'text'], 'auto'),
    file: Type.Optional(path('Log to this file instead of the standard output.')),
  }),
  metrics: group('Prometheus metrics, served at `/metrics` of listeners with the resource `metrics`.', {
    enabled: flag('Collect metrics.', true),
  }),
  well_known: group('What is answered under `/.well-known/matrix/` beside `public_base_url`.', {
    server: Type.Optional(
      hostAndPort(
        'Where other servers find this one, when not at port 8448 of `server_name`, for example `matrix.example.org:443`.',
      ),
    ),
    support: Type.Optional(
      group('Whom to turn to with trouble.', {
        contacts: list(
          'People; each with a user ID, an e-mail address, or both.',
          group('One contact.', {
            role: text('`m.role.admin`, `m.role.security`, or a name of your own.', { default: 'm.role.admin' }),
            matrix_id: Type.Optional(userIdText('User ID, better one on another server.')),
            email_address: Type.Optional(text('E-mail address.')),
          }),
          { default: [] },
        ),
        support_page: Type.Optional(url('A page about help.')),
      }),
    ),
  }),
  media: group('Uploaded and remote files.', {
    path: path('Folder for the files.', { default: 'data/media' }),
    max_upload_size: size('The largest upload.', '50M'),
    url_preview: group('Previews of links; the server fetches the page for the client.', {
      enabled: flag('Offer previews.', false),
      ip_range_denylist: denylist('a preview'),
    }),
    allow_unauthenticated: flag('Serve media on the endpoints from before Matrix 1.11, which take no token.', false),
  }),
  registration: group('Who may make an account.', {
    enabled: flag('Anybody may register.', false),
    require_verification: flag(
      'Registration needs an e-mail address, a reCAPTCHA or a registration token; without it anybody gets in at once.',
      true,
    ),
    allow_guests: flag('Anybody may read public rooms as a guest.', false),
    shared_secret: Type.Optional(secret('Whoever knows it may make accounts through `/_synapse/admin/v1/register`.')),
    recaptcha: Type.Optional(
      group('Checks with a reCAPTCHA service.', {
        siteverify_url: url('The service.', { default: 'https://www.google.com/recaptcha/api/siteverify' }),
        public_key: text('Site key.'),
        private_key: secret('Secret key.'),
        required: flag('Everybody has to pass it to register.', true),
      }),
    ),
    terms: Type.Optional(
      group('Terms that everybody has to accept to register.', {
        name: text('What they are called, such as `Terms of Service`.'),
        version: text('Their version.', { default: '1.0' }),
        url: url('Where they can be read.'),
      }),
    ),
  }),
  password: group('Passwords.', {
    hash_cost: choice(
      'How costly a password is to check, and so to guess. `minimal` is for tests only.',
      ['minimal', 'standard', 'high'],
      'standard',
    ),
  }),
  rate_limits: group('Limits on what one user or address may do. A call that goes over is answered with 429.', {
    enabled: flag('Keep the limits. Switch off for tests only.', true),
    message: limit('Events sent by one user.', 10, 50),
    login: limit('Attempts to log in from one address.', 0.5, 10),
    registration: limit('Attempts to register from one address.', 0.2, 10),
    join: limit('Rooms joined by one user.', 0.5, 20),
    invite: limit('Invitations sent by one user.', 0.5, 20),
    room_creation: limit('Rooms made by one user.', 0.1, 10),
    read: limit('Other reading calls of one user.', 50, 200),
    write: limit('Other writing calls of one user.', 20, 100),
    device: limit(
      'Calls of all these kinds by one device: fewer than its user may make, so that a client gone wild leaves room for the others.',
      40,
      180,
    ),
    socket: limit('WebSockets of /sync opened from one address.', 20, 500),
    unknown_token: limit('Calls from one address with tokens that are not good; those with a good one are not held up.', 5, 100),
    federation: limit('Requests of one other server.', 100, 500),
  }),
  federation: group('Other homeservers.', {
    enabled: flag('Talk with other homeservers.', true),
    custom_ca_files: certificates(),
    ip_range_denylist: denylist('federation'),
    allow_public_rooms: flag('Other servers may list our public rooms.', false),
    allow_device_name_lookup: flag("Other servers may see the names of our users' devices.", false),
    trusted_key_servers: list('Servers asked for the keys of a server that does not answer itself.', server(), {
      default: ['matrix.org'],
    }),
    max_retry_interval_ms: milliseconds('A server that is down is tried again at least this often.', 3_600_000),
    host_overrides: map(
      'For a server name: the address to connect to, without looking up .well-known or SRV. TLS is still checked against the name.',
      hostAndPort('Host or address, with or without a port.'),
    ),
  }),
  outbound_http: group(
    'Everything else that the server calls: push gateways, application services, previews, CAS, identity servers.',
    {
      custom_ca_files: certificates(),
      verify_tls: flag('Check certificates. Switch off for tests only.', true),
      ip_range_denylist: denylist('the server'),
    },
  ),
  rooms: group('Rooms.', {
    default_version: choice('Version of new rooms.', ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'], '12'),
    public_list_without_auth: flag('Clients may read the list of public rooms without a token.', false),
    allow_publication: flag('Users may publish their rooms in the list of public rooms.', true),
    require_membership_for_aliases: flag('Only members of a room may give it an alias.', true),
    ephemeral_messages: flag('Delete messages that say when they expire.', false),
  }),
  presence: group('Who is online.', { enabled: flag('Track and send presence.', true) }),
  sync: group('/sync.', {
    response_cache_ms: milliseconds('How long an answer is kept for a client that repeats its request.', 30_000),
    max_sockets_per_address: count('WebSockets that may be open from one address at once.', 1_000),
  }),
  server_notices: Type.Optional(
    group('Messages from the server itself to a user.', {
      localpart: text('Localpart of the user that they come from.', { default: 'notices' }),
      room_name: text('Name of the room that they appear in.', { default: 'Server notices' }),
    }),
  ),
  delayed_events: group('Events that are sent later, such as that a call is over for somebody who is no longer heard of.', {
    max_delay_ms: milliseconds('The longest delay.', 86_400_000),
    max_scheduled: count('How many one user may have scheduled at a time; 0 switches them off.', 100, 0),
  }),
  rtc: group('Calls with MatrixRTC, such as those of Element Call.', {
    livekit_service_urls: list(
      'Services that let users into a LiveKit SFU (lk-jwt-service), the best first.',
      url('Such as `https://livekit.example.org/jwt`.'),
      { default: [] },
    ),
  }),
  turn: Type.Optional(turnServers),
  email: Type.Optional(
    group('Mail, to verify addresses and reset passwords.', {
      smtp_host: text('Mail server.'),
      smtp_port: port('Its port.', { default: 587 }),
      smtp_tls: choice('How the connection is encrypted.', ['none', 'starttls', 'tls'], 'starttls'),
      smtp_user: Type.Optional(text('User name at the mail server.')),
      smtp_password: Type.Optional(secret('Password at the mail server.')),
      from: text('Sender address.'),
    }),
  ),
  sso: group('Login through another service.', {
    client_whitelist: list(
      'Addresses of clients that are handed a login without asking the user, with all that is below them, such as `https://app.example.org/`.',
      text('An address.'),
      { default: [] },
    ),
    cas: Type.Optional(group('A CAS server.', { server_url: url('Its base URL.') })),
    oidc: list(
      'OpenID Connect providers. Each is told that this server is at `<public_base_url>/_causeway/sso/callback/<id>`.',
      openIdProvider,
      { default: [] },
    ),
  }),
  deprecated: group('What clients of today do not need, and what is less safe than what has come in its place.', {
    add_3pid_without_authentication: flag(
      '`POST /account/3pid` adds a proven address to the account of whoever has an access token; off, it only has an identity server bind it.',
      false,
    ),
  }),
  app_services: list('Registration files of application services (bridges, bots).', path('A YAML file.'), { default: [] }),
})

type CamelKey<K> = K extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelKey<Tail>>}` : K
type Scalar = string | number | boolean | undefined
/** Key names in camelCase, all the way down, except the names in a map. */
type Camel<T> = T extends Scalar
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Camel<Item>[]
    : string extends keyof T
      ? { readonly [K in keyof T]: Camel<T[K]> }
      : { readonly [K in keyof T as CamelKey<K>]: Camel<T[K]> }

type Declared = Camel<Static<typeof configSchema>>
/** The settings a server runs with. Sizes are in bytes, `…Ms` in milliseconds, paths absolute; an absent optional group is switched off. */
export type Config = Omit<Declared, 'publicBaseUrl'> & {
  /** Without a slash at the end. */
  readonly publicBaseUrl: string
}

/** The mechanical rule between a key in the file and a property of Config. */
export function camelCase(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Every key outside lists and maps, groups included, with the path to it; a secret has a twin `<key>_file`. */
export function* keysOf(
  schema: TSchema = configSchema,
  above: readonly string[] = [],
): Generator<{ path: readonly string[]; schema: TSchema }> {
  if (above.length > 0) yield { path: above, schema }
  if (!Type.IsObject(schema)) return
  for (const [name, child] of Object.entries(schema.properties)) {
    yield* keysOf(child, [...above, name])
    if (infoOf(child).secret) yield { path: [...above, `${name}_file`], schema: child }
  }
}
