/** Values that are odd, and yet allowed: they come back as they were. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { startWorld, type World } from '../support/hostile.ts'

let world: World

before(async () => {
  world = await startWorld()
})
after(() => world[Symbol.asyncDispose]())

const enc = encodeURIComponent

const ODD_KEYS =
  '{"__proto__":{"admin":true},"constructor":{"prototype":1},"toString":null,"hasOwnProperty":[],"":0,"a.b":{"__proto__":1}}'

test('keys that mean something to JavaScript are data', async () => {
  const { alice, room } = world
  const odd = JSON.parse(ODD_KEYS) as JsonObject
  const isThere = (found: unknown, where: string) => assert.equal(JSON.stringify(found), ODD_KEYS, where)
  const { event_id: eventId } = await alice.ok('PUT', `rooms/${room}/send/org.example.odd/1`, ODD_KEYS)
  isThere((await alice.ok('GET', `rooms/${room}/event/${String(eventId)}`))['content'], 'event')
  await alice.ok('PUT', `user/${alice.id}/account_data/org.example.odd`, ODD_KEYS)
  isThere(await alice.ok('GET', `user/${alice.id}/account_data/org.example.odd`), 'account data')
  const made = await alice.createRoom({
    creation_content: odd,
    initial_state: [{ type: 'org.example.odd', state_key: '', content: odd }],
  })
  isThere(await alice.ok('GET', `rooms/${made}/state/org.example.odd`), 'state')
  const { room_version: _version, ...created } = await alice.ok('GET', `rooms/${made}/state/m.room.create`)
  assert.deepEqual(new Set(Object.keys(created)), new Set(Object.keys(odd)))
  await alice.ok('PUT', `profile/${alice.id}/org.example.odd`, `{"org.example.odd":${ODD_KEYS}}`)
  isThere((await alice.ok('GET', `profile/${alice.id}/org.example.odd`))['org.example.odd'], 'profile')
  assert.equal(Object(Object.prototype)['admin'], undefined)
})

test('names that mean something to JavaScript, SQLite or a path are names', async () => {
  const { alice, room } = world
  const { hs } = world
  for (const name of [
    'constructor',
    '__proto__',
    'toString',
    'a\0b',
    '\0',
    '\\0',
    'm.room.member\0@x',
    'a\nb',
    ' ',
    'a/b',
    '%2F',
    '..',
    '💥',
    "';--",
  ]) {
    // A URL without an escape for them would be made shorter by the client.
    const path = name === '..' ? '%2E%2E%2Fx' : enc(name)
    const content = { name }
    const state = `rooms/${room}/state/${path}/${path}`
    await alice.ok('PUT', state, content)
    assert.deepEqual(await alice.ok('GET', state), content)
    await alice.ok('PUT', `rooms/${room}/send/${path}/${path}`, content)
    await alice.ok('PUT', `user/${alice.id}/account_data/${path}`, content)
    assert.deepEqual(await alice.ok('GET', `user/${alice.id}/account_data/${path}`), content)
    await alice.ok('PUT', `user/${alice.id}/rooms/${room}/tags/${path}`, { order: 0.5 })
    await alice.refused(404, 'M_NOT_FOUND', 'GET', `devices/${path}`)
  }
  const { tags } = await alice.ok('GET', `user/${alice.id}/rooms/${room}/tags`)
  assert.equal(Object.keys(Object(tags)).length, 14)
  await hs.restart()
  assert.deepEqual(await alice.ok('GET', `rooms/${room}/state/a%00b/a%00b`), { name: 'a\0b' })
  assert.deepEqual(await alice.ok('GET', `rooms/${room}/state/m.room.member%00%40x/m.room.member%00%40x`), {
    name: 'm.room.member\0@x',
  })
})

test('a request that is repeated makes one event, and another one another', async () => {
  const { alice, room } = world
  const send = async (type: string, txnId: string, body: JsonObject) =>
    (await alice.ok('PUT', `rooms/${room}/send/${enc(type)}/${enc(txnId)}`, body))['event_id']
  const first = await send('a', 'b\nc', { n: 1 })
  assert.equal(await send('a', 'b\nc', { n: 2 }), first)
  const others = [
    await send('a\nb', 'c', {}),
    await send('a b', 'c', {}),
    await send('a', 'b c', {}),
    await send('a%0Ab', 'c', {}),
  ]
  assert.equal(new Set([first, ...others]).size, 5)
  const { unsigned, content } = await alice.ok('GET', `rooms/${room}/event/${String(first)}`)
  assert.equal(Object(unsigned)['transaction_id'], 'b\nc')
  assert.deepEqual(content, { n: 1 })
  const { event_id: target } = await alice.ok('POST', `rooms/${room}/send/t`, {})
  const redaction = `rooms/${room}/redact/${String(target)}/${enc('b\nc')}`
  assert.deepEqual(await alice.ok('PUT', redaction, {}), await alice.ok('PUT', redaction, { reason: 'again' }))
})

test('a great deal of account data and filters', async () => {
  const { alice } = world
  const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`key${i}`, i]))
  await alice.ok('PUT', `user/${alice.id}/account_data/org.example.large`, keys)
  assert.deepEqual(await alice.ok('GET', `user/${alice.id}/account_data/org.example.large`), keys)
  const limits = Array.from({ length: 500 }, (_, i) => i)
  const ids = await Promise.all(
    limits.map(async (limit) => (await alice.ok('POST', `user/${alice.id}/filter`, { presence: { limit } }))['filter_id']),
  )
  assert.equal(new Set(ids).size, 500)
  assert.deepEqual(await alice.ok('GET', `user/${alice.id}/filter/${String(ids[77])}`), { presence: { limit: 77 } })
})
