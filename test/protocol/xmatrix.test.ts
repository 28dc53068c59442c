import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { isServerName, type ServerName } from '../../schemas/ids.ts'
import { signingKeyFromSeed, verifyKeyFrom } from '../../src/protocol/signing.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { parseXMatrix, requestToSign, signRequest, verifyRequest } from '../../src/protocol/xmatrix.ts'

const origin = serverName('origin.hs.example.com')
const destination = serverName('destination.hs.example.com')
const parsed = { origin, destination, keyId: 'ed25519:key1', signature: 'ABCDEF...' }

function serverName(name: string): ServerName {
  assert.ok(isServerName(name))
  return name
}

suite('reading the header', () => {
  test('the example of the specification', () => {
    const header =
      'X-Matrix origin="origin.hs.example.com",destination="destination.hs.example.com",key="ed25519:key1",sig="ABCDEF..."'
    assert.deepEqual(parseXMatrix(header), parsed)
  })
  const variants = {
    'several spaces after the scheme': 'X-Matrix    ',
    'a scheme in other case': 'x-mAtRiX ',
  }
  for (const [name, scheme] of Object.entries(variants)) {
    test(name, () => {
      const header = `${scheme}origin="${origin}",destination="${destination}",key="ed25519:key1",sig="ABCDEF..."`
      assert.deepEqual(parseXMatrix(header), parsed)
    })
  }
  test('white space around commas and equals signs, empty elements, another order, unknown parameters', () => {
    const header = `X-Matrix sig = "ABCDEF..." \t, ,\tKEY="ed25519:key1",other="a,b=\\"c\\"",Destination="${destination}" , origin="${origin}",`
    assert.deepEqual(parseXMatrix(header), parsed)
  })
  test('values without quotes, colons among them', () => {
    const header = `X-Matrix origin=${origin}:8448,destination=${destination},key=ed25519:key1,sig=ABCDEF...`
    assert.deepEqual(parseXMatrix(header), { ...parsed, origin: `${origin}:8448` })
  })
  test('backslash escapes', () => {
    const header = String.raw`X-Matrix origin="\o\rigin.hs.example.com",destination="${destination}",key="ed25519\:key1",sig="ABC\DEF..."`
    assert.deepEqual(parseXMatrix(header), parsed)
  })
  test('an IPv6 address', () => {
    const header = 'X-Matrix origin="[2001:db8::1]:8448",key="ed25519:1",sig="x"'
    assert.deepEqual(parseXMatrix(header), {
      origin: '[2001:db8::1]:8448',
      destination: undefined,
      keyId: 'ed25519:1',
      signature: 'x',
    })
  })
  const malformed = [
    '',
    'X-Matrix',
    'X-Matrix ',
    'Bearer abc',
    'X-Matrixorigin="a.b",key="k",sig="s"',
    'X-Matrix origin="a.b",key="k"',
    'X-Matrix origin="a.b",sig="s"',
    'X-Matrix key="k",sig="s"',
    'X-Matrix origin="a.b" key="k" sig="s"',
    'X-Matrix origin="a.b",key="k",sig="s',
    'X-Matrix origin="a.b",key="k",sig="s"x',
    'X-Matrix origin="a.b",origin="c.d",key="k",sig="s"',
    'X-Matrix origin="a.b",ORIGIN="a.b",key="k",sig="s"',
    'X-Matrix origin="a b",key="k",sig="s"',
    'X-Matrix origin="",key="k",sig="s"',
    'X-Matrix origin="a.b",destination="not a name",key="k",sig="s"',
    'X-Matrix origin=a/b,key="k",sig="s"',
    'X-Matrix =x,origin="a.b",key="k",sig="s"',
  ]
  for (const header of malformed) test(`refuses ${header}`, () => assert.equal(parseXMatrix(header), undefined))
  test('any text gives an answer', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '\\', ',', '=', ' ', 'a', 'origin', 'sig') }),
        (text) => void parseXMatrix(`X-Matrix ${text}`),
      ),
    )
  })
  test('hostile text ends soon', () => {
    assert.equal(parseXMatrix(`X-Matrix a="${'\\'.repeat(16_000)}`), undefined)
    assert.equal(parseXMatrix(`X-Matrix ${', \t'.repeat(5_000)}`), undefined)
    assert.equal(parseXMatrix(`X-Matrix a=b${' \t'.repeat(8_000)}x`), undefined)
  })
})

suite('signing requests', () => {
  const key = signingKeyFromSeed('1', Buffer.alloc(32, 3))
  const verifyKey = verifyKeyFrom(key.publicKey)
  assert.ok(verifyKey)
  const request = requestToSign('PUT', '/_matrix/federation/v1/send/1?x=%20', origin, destination, { pdus: [] })

  test('the object has no content where there is no body', () => {
    assert.deepEqual(requestToSign('GET', '/x', origin, destination), { method: 'GET', uri: '/x', origin, destination })
    assert.deepEqual(requestToSign('PUT', '/x', origin, destination, {})['content'], {})
  })
  test('the header is in the form that older servers read, and verifies', () => {
    const header = signRequest(request, key)
    assert.match(
      header,
      /^X-Matrix origin="origin\.hs\.example\.com",destination="destination\.hs\.example\.com",key="ed25519:1",sig="[A-Za-z0-9+/]{86}"$/,
    )
    const authorization = parseXMatrix(header)
    assert.ok(authorization)
    assert.ok(verifyRequest(request, authorization, verifyKey))
  })
  test('nothing of the request can be changed', () => {
    const authorization = parseXMatrix(signRequest(request, key))
    assert.ok(authorization)
    const others = [
      requestToSign('POST', request.uri, origin, destination, { pdus: [] }),
      requestToSign('PUT', '/_matrix/federation/v1/send/1', origin, destination, { pdus: [] }),
      requestToSign('PUT', request.uri, destination, destination, { pdus: [] }),
      requestToSign('PUT', request.uri, origin, origin, { pdus: [] }),
      requestToSign('PUT', request.uri, origin, destination, { pdus: [1] }),
      requestToSign('PUT', request.uri, origin, destination),
    ]
    for (const other of others) assert.ok(!verifyRequest(other, authorization, verifyKey))
    assert.ok(!verifyRequest(request, { ...authorization, signature: 'x' }, verifyKey))
  })
  test('numbers of old events in a transaction count as they were written', () => {
    const authorization = parseXMatrix(signRequest(requestToSign('PUT', '/x', origin, destination, parseLossless('[1.0]')), key))
    assert.ok(authorization)
    assert.ok(verifyRequest(requestToSign('PUT', '/x', origin, destination, parseLossless('[1.0]')), authorization, verifyKey))
    assert.ok(!verifyRequest(requestToSign('PUT', '/x', origin, destination, [1]), authorization, verifyKey))
  })
})
