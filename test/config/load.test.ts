import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, inspectConfig, loadConfig } from '../../src/config/load.ts'
import { warnings } from '../../src/config/rules.ts'

const cwd = '/srv/causeway'
const byDefault = loadConfig({ env: {}, cwd })

/** Loads a file with this text. */
function load(yaml: string, env: Record<string, string> = {}) {
  return withFile(yaml, (file, folder) => loadConfig({ file, env, cwd: folder }))
}

/** What is wrong with a file, each line without its folder. */
function problemsOf(yaml: string, env: Record<string, string> = {}): string[] {
  try {
    load(yaml, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ where, message }) => `${where}: ${message}`)
    throw error
  }
  return []
}

function withFile<T>(yaml: string, use: (file: string, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-config-'))
  try {
    writeFileSync(join(folder, 'causeway.yaml'), yaml)
    writeFileSync(join(folder, 'secret.txt'), 'from a file\n')
    return use('causeway.yaml', folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('without a file it is a closed local server with everything under ./data', () => {
  assert.equal(byDefault.serverName, 'localhost')
  assert.equal(byDefault.publicBaseUrl, 'http://localhost:8008')
  assert.deepEqual(byDefault.listeners[0], {
    address: '127.0.0.1',
    port: 8008,
    resources: ['client', 'federation', 'media', 'admin'],
  })
  assert.ok(byDefault.listeners.every(({ address }) => ['127.0.0.1', '::1'].includes(address)))
  assert.equal(byDefault.database.path, '/srv/causeway/data/homeserver.db')
  assert.equal(byDefault.media.path, '/srv/causeway/data/media')
  assert.equal(byDefault.signingKeyPath, '/srv/causeway/data/signing.key')
  assert.equal(byDefault.registration.enabled, false)
  assert.deepEqual(warnings(byDefault), [])
})

test('a file needs server_name and takes the rest from the defaults', () => {
  const { rooms, listeners, publicBaseUrl } = load('server_name: example.org')
  assert.deepEqual({ rooms, listeners }, { rooms: byDefault.rooms, listeners: byDefault.listeners })
  assert.equal(publicBaseUrl, 'https://example.org')
  assert.deepEqual(problemsOf(''), ['causeway.yaml: server_name is missing: expected a server name such as example.org'])
})

test('every key that the SyTest harness writes is accepted', () => {
  const config = loadConfig({ file: join(import.meta.dirname, 'sytest.yaml'), env: {}, cwd })
  assert.equal(config.serverName, '127.0.0.1:8800')
  assert.equal(config.publicBaseUrl, 'https://127.0.0.1:8800')
  assert.deepEqual(config.listeners[0]?.tls, { certificate: '/tmp/hs/tls.crt', key: '/tmp/hs/tls.key' })
  assert.equal(config.media.maxUploadSize, 50 * 1024 * 1024)
  assert.equal(config.registration.recaptcha?.required, false)
  assert.equal(config.rooms.defaultVersion, '10')
  assert.equal(config.email?.smtpPort, 2525)
  assert.deepEqual(config.outboundHttp.ipRangeDenylist, [])
})

test('every key of the design has a place', () => {
  const design = `
server_name: example.org
trusted_proxies: [127.0.0.1, 10.0.0.0/8]
federation:
  host_overrides: { matrix.example.org: 127.0.0.1:8449 }
  allow_device_name_lookup: true
server_notices: { localpart: server, room_name: From the server }
delayed_events: { max_delay_ms: 1000 }
well_known:
  server: matrix.example.org:443
  support: { contacts: [{ role: m.role.admin, email_address: admin@example.org }], support_page: https://example.org/help }
metrics: { enabled: false }
app_services: [bridge.yaml]
`
  const config = load(design)
  assert.deepEqual(config.federation.hostOverrides, { 'matrix.example.org': '127.0.0.1:8449' })
  assert.deepEqual(config.serverNotices, { localpart: 'server', roomName: 'From the server' })
  assert.equal(config.wellKnown.support?.contacts[0]?.emailAddress, 'admin@example.org')
  assert.match(config.appServices[0] ?? '', /\/bridge\.yaml$/)
})

test('an unknown key names the closest known one, the file and the line', () => {
  assert.deepEqual(problemsOf('server_name: a.org\nregistration:\n  enabeld: true'), [
    'causeway.yaml, line 3: unknown key registration.enabeld; did you mean registration.enabled?',
  ])
  assert.deepEqual(problemsOf('server_name: a.org\nmax_upload_size: 1M'), [
    'causeway.yaml, line 2: unknown key max_upload_size; did you mean media.max_upload_size?',
  ])
  assert.match(problemsOf('server_name: a.org\npresence: { zzzzzzzzz: 1 }')[0] ?? '', /known here: enabled$/)
  assert.match(problemsOf('server_name: a.org\n__proto__: { a: 1 }')[0] ?? '', /unknown key __proto__/)
})

test('wrong values are named with what was given and what is expected, all at once', () => {
  const yaml = `server_name: not a name
listeners:
  - port: 80000
    tls: { certificate: a.pem }
log: { level: loud }
media: { max_upload_size: 50 apples }
database: 3
federation: { ip_range_denylist: [10.0.0.0/99] }
`
  assert.deepEqual(problemsOf(yaml), [
    'causeway.yaml, line 1: server_name: got "not a name", expected a server name such as example.org',
    'causeway.yaml, line 3: listeners[0].port: got 80000, expected a port from 0 to 65535 (0: any free one)',
    'causeway.yaml, line 4: listeners[0].tls.key is missing: expected a file path',
    'causeway.yaml, line 7: database: got 3, expected a group of keys',
    'causeway.yaml, line 5: log.level: got "loud", expected one of fatal, error, warn, info, debug, trace',
    'causeway.yaml, line 6: media.max_upload_size: got "50 apples", expected a size in bytes, such as 512K, 50M or 2G',
    'causeway.yaml, line 8: federation.ip_range_denylist[0]: got "10.0.0.0/99", expected an IP address or a range such as 10.0.0.0/8',
  ])
})

test('broken YAML, a repeated key and a missing file are told with their place', () => {
  assert.match(problemsOf('server_name: [a')[0] ?? '', /^causeway\.yaml, line 1: /)
  assert.match(problemsOf('server_name: a.org\nserver_name: b.org')[0] ?? '', /^causeway\.yaml, line 2: Map keys must be unique/)
  assert.throws(() => loadConfig({ file: 'nowhere.yaml', env: {}, cwd }), /nowhere\.yaml: cannot be read: ENOENT/)
})

test('environment variables go over the file', () => {
  const config = load('server_name: a.org\ndatabase: { path: a.db }\nlog: { level: warn }', {
    CAUSEWAY_SERVER_NAME: 'b.org',
    CAUSEWAY_DATABASE__PATH: ':memory:',
    CAUSEWAY_LISTENERS: '[{"port": 0}]',
    CAUSEWAY_FEDERATION__HOST_OVERRIDES: '{c.org: "127.0.0.1:1"}',
    CAUSEWAY_REGISTRATION__ENABLED: 'true',
    CAUSEWAY_MEDIA__MAX_UPLOAD_SIZE: '2G',
    HOME: '/root',
  })
  assert.equal(config.serverName, 'b.org')
  assert.equal(config.database.path, ':memory:')
  assert.equal(config.log.level, 'warn')
  assert.deepEqual(config.listeners, [{ address: '127.0.0.1', port: 0, resources: ['client', 'federation', 'media', 'admin'] }])
  assert.deepEqual(config.federation.hostOverrides, { 'c.org': '127.0.0.1:1' })
  assert.equal(config.registration.enabled, true)
  assert.equal(config.media.maxUploadSize, 2 * 1024 ** 3)
})

test('a mistake in an environment variable names the variable', () => {
  assert.deepEqual(
    problemsOf('server_name: a.org', { CAUSEWAY_SERVER_NAM: 'x', CAUSEWAY_LISTENERS: '[', CAUSEWAY_LOG__LEVEL: 'loud' }),
    [
      'environment variable CAUSEWAY_LISTENERS: expected a list, written as JSON or YAML',
      'environment variable CAUSEWAY_SERVER_NAM: no such setting; did you mean CAUSEWAY_SERVER_NAME?',
      'environment variable CAUSEWAY_LOG__LEVEL: log.level: got "loud", expected one of fatal, error, warn, info, debug, trace',
    ],
  )
})

const secretOf = (config: typeof byDefault) => config.registration.sharedSecret

test('a secret can be in a file of its own and is never shown', () => {
  assert.equal(secretOf(load('server_name: a.org\nregistration: { shared_secret_file: secret.txt }')), 'from a file')
  assert.equal(secretOf(load('server_name: a.org', { CAUSEWAY_REGISTRATION__SHARED_SECRET_FILE: 'secret.txt' })), 'from a file')
  assert.match(
    problemsOf('server_name: a.org\nregistration: { shared_secret_file: none.txt }')[0] ?? '',
    /line 2: .*shared_secret_file: got "none.txt"/,
  )
  assert.doesNotMatch(problemsOf('server_name: a.org\nregistration: { shared_secret: [hunter2] }')[0] ?? '', /hunter2/)
  const shown = inspectConfig({ file: join(import.meta.dirname, 'sytest.yaml'), env: {}, cwd }).settings
  assert.equal(shown.find(({ key }) => key === 'registration.shared_secret')?.shown, '(set)')
})

test('settings that contradict each other are refused, unwise ones warned of', () => {
  assert.match(problemsOf('server_name: a.org\ndatabase: { url: postgres://x }')[0] ?? '', /PostgreSQL is not available yet/)
  assert.match(problemsOf('server_name: a.org\nlisteners: [{ port: 1 }, { port: 1 }]')[0] ?? '', /there twice/)
  assert.match(
    problemsOf('server_name: a.org\nwell_known: { support: { contacts: [{ role: x }] } }')[0] ?? '',
    /matrix_id or email/,
  )
  const open = load(
    'server_name: a.org\npublic_base_url: http://a.org\nregistration: { enabled: true, require_verification: false }',
  )
  assert.deepEqual(
    warnings(open).map((warning) => warning.split(' ')[0]),
    ['registration', 'public_base_url'],
  )
  const idle = load('server_name: a.org\nrooms: { ephemeral_messages: true }\napp_services: [bridge.yaml]\nserver_notices: {}')
  assert.deepEqual(
    warnings(idle),
    ['rooms.ephemeral_messages', 'server_notices', 'app_services'].map((key) => `${key} has no effect in this version`),
  )
})

test('check-config can say where each setting comes from', () => {
  const file = join(import.meta.dirname, 'sytest.yaml')
  const { settings } = inspectConfig({ file, env: { CAUSEWAY_LOG__LEVEL: 'info' }, cwd })
  const from = (key: string) => settings.find((setting) => setting.key === key)?.from
  assert.equal(from('log.level'), 'environment variable CAUSEWAY_LOG__LEVEL')
  assert.equal(from('trusted_proxies'), 'default')
  const line =
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((text) => text.startsWith('server_name:')) + 1
  assert.equal(from('server_name'), `${file}, line ${line}`)
})
