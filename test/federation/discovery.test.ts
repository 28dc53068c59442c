import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerName } from '../../schemas/ids.ts'
import { type Findings, type HostAndPort, nextStep } from '../../src/federation/discovery.ts'

interface Case {
  name: string
  server: string
  override?: string
  wellKnown?: string | null
  srv?: Record<string, HostAndPort[]>
  /** `targets, servername, Host`, or the question that comes next. */
  expect: string
}

const cases: Case[] = [
  { name: '1. IPv4 literal', server: '1.2.3.4', expect: '1.2.3.4|8448 certificate 1.2.3.4 Host 1.2.3.4' },
  { name: '1. IPv4 literal and port', server: '1.2.3.4:99', expect: '1.2.3.4|99 certificate 1.2.3.4 Host 1.2.3.4:99' },
  {
    name: '1. IPv6 literal',
    server: '[1234:5678::abcd]',
    expect: '1234:5678::abcd|8448 certificate 1234:5678::abcd Host [1234:5678::abcd]',
  },
  {
    name: '1. IPv6 literal and port',
    server: '[1234:5678::abcd]:5678',
    expect: '1234:5678::abcd|5678 certificate 1234:5678::abcd Host [1234:5678::abcd]:5678',
  },
  { name: '2. explicit port', server: 'hs.test:99', expect: 'hs.test|99 certificate hs.test Host hs.test:99' },
  { name: '3. a plain name asks for .well-known', server: 'hs.test', expect: 'ask-well-known hs.test' },
  {
    name: '3.1 delegated to an IPv4 literal',
    server: 'hs.test',
    wellKnown: '1.2.3.4',
    expect: '1.2.3.4|8448 certificate 1.2.3.4 Host 1.2.3.4',
  },
  { name: '3.1 ... and port', server: 'hs.test', wellKnown: '1.2.3.4:1', expect: '1.2.3.4|1 certificate 1.2.3.4 Host 1.2.3.4:1' },
  {
    name: '3.1 delegated to an IPv6 literal',
    server: 'hs.test',
    wellKnown: '[::1]:7',
    expect: '::1|7 certificate ::1 Host [::1]:7',
  },
  {
    name: '3.2 delegated name and port',
    server: 'hs.test',
    wellKnown: 'm.hs.test:443',
    expect: 'm.hs.test|443 certificate m.hs.test Host m.hs.test:443',
  },
  {
    name: '3.3 delegated name asks for SRV',
    server: 'hs.test',
    wellKnown: 'm.hs.test',
    expect: 'ask-srv _matrix-fed._tcp.m.hs.test',
  },
  {
    name: '3.3 delegated name with SRV',
    server: 'hs.test',
    wellKnown: 'm.hs.test',
    srv: {
      '_matrix-fed._tcp.m.hs.test': [
        { host: 'a.test', port: 1 },
        { host: 'b.test', port: 2 },
      ],
    },
    expect: 'a.test|1 b.test|2 certificate m.hs.test Host m.hs.test',
  },
  {
    name: '3.4 no _matrix-fed record: asks for the deprecated one',
    server: 'hs.test',
    wellKnown: 'm.hs.test',
    srv: { '_matrix-fed._tcp.m.hs.test': [] },
    expect: 'ask-srv _matrix._tcp.m.hs.test',
  },
  {
    name: '3.4 deprecated record',
    server: 'hs.test',
    wellKnown: 'm.hs.test',
    srv: { '_matrix-fed._tcp.m.hs.test': [], '_matrix._tcp.m.hs.test': [{ host: 'c.test', port: 3 }] },
    expect: 'c.test|3 certificate m.hs.test Host m.hs.test',
  },
  {
    name: '3.5 delegated name without SRV',
    server: 'hs.test',
    wellKnown: 'm.hs.test',
    srv: { '_matrix-fed._tcp.m.hs.test': [], '_matrix._tcp.m.hs.test': [] },
    expect: 'm.hs.test|8448 certificate m.hs.test Host m.hs.test',
  },
  {
    name: '4. .well-known failed: asks for SRV of the server itself',
    server: 'hs.test',
    wellKnown: null,
    expect: 'ask-srv _matrix-fed._tcp.hs.test',
  },
  {
    name: '4. SRV of the server itself',
    server: 'hs.test',
    wellKnown: null,
    srv: { '_matrix-fed._tcp.hs.test': [{ host: 'a.test', port: 1 }] },
    expect: 'a.test|1 certificate hs.test Host hs.test',
  },
  {
    name: '5. deprecated record of the server itself',
    server: 'hs.test',
    wellKnown: null,
    srv: { '_matrix-fed._tcp.hs.test': [], '_matrix._tcp.hs.test': [{ host: 'c.test', port: 3 }] },
    expect: 'c.test|3 certificate hs.test Host hs.test',
  },
  {
    name: '6. neither .well-known nor SRV',
    server: 'hs.test',
    wellKnown: null,
    srv: { '_matrix-fed._tcp.hs.test': [], '_matrix._tcp.hs.test': [] },
    expect: 'hs.test|8448 certificate hs.test Host hs.test',
  },
  {
    name: 'a delegation that is no server name counts as none',
    server: 'hs.test',
    wellKnown: 'https://x/',
    expect: 'ask-srv _matrix-fed._tcp.hs.test',
  },
  {
    name: 'a delegation to port 0 counts as none',
    server: 'hs.test',
    wellKnown: 'x.test:0',
    expect: 'ask-srv _matrix-fed._tcp.hs.test',
  },
  {
    name: 'a delegation to a broken IPv6 literal counts as none',
    server: 'hs.test',
    wellKnown: '[::zz]',
    expect: 'ask-srv _matrix-fed._tcp.hs.test',
  },
  { name: 'port beyond 65535', server: 'hs.test:65536', expect: 'unresolvable' },
  {
    name: 'override skips .well-known and SRV',
    server: 'hs.test',
    override: '127.0.0.1:7001',
    expect: '127.0.0.1|7001 certificate hs.test Host hs.test',
  },
  {
    name: 'override without a port',
    server: 'hs.test',
    override: '[::1]',
    expect: '::1|8448 certificate hs.test Host hs.test',
  },
  {
    name: 'override of a name with a port',
    server: 'hs.test:5',
    override: 'box:6',
    expect: 'box|6 certificate hs.test Host hs.test:5',
  },
  { name: 'override that is no address', server: 'hs.test', override: 'http://x', expect: 'unresolvable' },
]

for (const { name, server, override, wellKnown, srv, expect } of cases) {
  test(name, () => {
    const findings: Findings = {
      override,
      wellKnown: wellKnown as ServerName | null | undefined,
      srv: new Map(Object.entries(srv ?? {})),
    }
    assert.equal(told(server, findings), expect)
  })
}

function told(server: string, findings: Findings): string {
  const step = nextStep(server as ServerName, findings)
  if (step.kind === 'ask-well-known') return `ask-well-known ${step.hostname}`
  if (step.kind === 'ask-srv') return `ask-srv ${step.name}`
  if (step.kind === 'unresolvable') return step.kind
  const { targets, servername, hostHeader } = step.address
  const where = targets.map(({ host, port }) => `${host}|${port}`).join(' ')
  return `${where} certificate ${servername} Host ${hostHeader}`
}
