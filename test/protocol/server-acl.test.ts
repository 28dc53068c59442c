import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { isServerAllowed, serverAclOf } from '../../src/protocol/server-acl.ts'

function allowed(content: JsonObject | undefined, server: string): boolean {
  assert.ok(isServerName(server))
  return isServerAllowed(content === undefined ? undefined : serverAclOf(content), server)
}

/** The example of the client-server API. */
const example: JsonObject = { allow_ip_literals: false, deny: ['*.evil.com', 'evil.com'], allow: ['*'] }

suite('the five steps', () => {
  test('1. without an event all are allowed', () => assert.ok(allowed(undefined, 'evil.com')))
  test('2. IP literals are denied where allow_ip_literals is false, whatever the lists say', () => {
    for (const server of ['1.2.3.4', '1.2.3.4:8448', '[2001:db8::1]', '[2001:db8::1]:8448']) {
      assert.ok(!allowed({ ...example, allow: ['*', server] }, server), server)
      assert.ok(allowed({ ...example, allow_ip_literals: true }, server), server)
      assert.ok(allowed({ ...example, allow_ip_literals: 'false' }, server), server)
    }
  })
  test('2. a name with digits is no IP literal', () => assert.ok(allowed(example, '1.2.3.4.example.org')))
  test('3. the deny list comes before the allow list', () => {
    assert.ok(!allowed(example, 'evil.com'))
    assert.ok(!allowed(example, 'www.evil.com'))
    assert.ok(!allowed({ deny: ['*'], allow: ['good.org'] }, 'good.org'))
  })
  test('4. who is on the allow list is allowed', () => {
    assert.ok(allowed(example, 'good.org'))
    assert.ok(allowed({ allow: ['good.org'] }, 'good.org'))
  })
  test('5. all others are denied', () => {
    assert.ok(!allowed({ allow: ['good.org'] }, 'other.org'))
    assert.ok(!allowed({}, 'good.org'))
    assert.ok(!allowed({ deny: ['evil.com'] }, 'good.org'))
  })
})

test('the port is not considered', () => {
  for (const server of ['evil.com', 'evil.com:8448', 'evil.com:1234']) assert.ok(!allowed(example, server))
  assert.ok(allowed({ allow: ['[2001:db8::1]'] }, '[2001:db8::1]:8448'))
})

test('upper and lower case are the same', () => {
  assert.ok(!allowed(example, 'WWW.Evil.COM'))
  assert.ok(!allowed({ deny: ['EVIL.*'], allow: ['*'] }, 'evil.com'))
})

test('what is not of the expected type counts as missing', () => {
  assert.ok(!allowed({ allow: '*' }, 'good.org'))
  assert.ok(allowed({ allow: [1, null, '*', { a: 1 }], deny: 'good.org' }, 'good.org'))
  assert.ok(!allowed({ allow: null }, 'good.org'))
})
