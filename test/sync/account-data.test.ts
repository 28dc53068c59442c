import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { syncServer } from './support.ts'

const ownOnly = { account_data: { not_types: ['m.push_rules'] } }

describe('account data', () => {
  test('comes once when it is set, and as it is last in a first sync', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    await alice.sync()
    for (const animal of ['cats', 'rats']) {
      await alice.ok('PUT', `user/${alice.id}/account_data/test.type`, { animal })
      await alice.ok('PUT', `user/${alice.id}/rooms/${room}/account_data/test.type`, { animal: `room ${animal}` })
    }
    const expected = [
      [{ type: 'test.type', content: { animal: 'rats' } }],
      [{ type: 'test.type', content: { animal: 'room rats' } }],
    ]
    for (const client of [alice, alice.anew()]) {
      const seen = await client.sync({ filter: ownOnly })
      assert.deepEqual([seen.account_data.events, seen.rooms.join[room]?.account_data.events], expected)
    }
    const next = await alice.sync()
    assert.deepEqual([next.account_data.events, next.rooms.join], [[], {}])
    assert.deepEqual(await alice.ok('GET', `user/${alice.id}/rooms/${room}/account_data/test.type`), { animal: 'room rats' })
  })

  test('is deleted: changes tell of it once, first syncs do not', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const unstable = `/_matrix/client/unstable/org.matrix.msc3391/user/${alice.id}`
    const paths = ['account_data/test.type', `rooms/${room}/account_data/test.type`]
    for (const path of paths) {
      await alice.ok('PUT', `user/${alice.id}/${path}`, { animal: 'cats' })
      await alice.ok('PUT', `user/${alice.id}/${path}.other`, {})
    }
    await alice.sync()
    for (const path of [...paths, ...paths]) await alice.ok('DELETE', `${unstable}/${path}`)
    for (const path of paths) await alice.refused('M_NOT_FOUND', 'GET', `user/${alice.id}/${path}`)
    const shown = (seen: Awaited<ReturnType<typeof alice.sync>>) => [
      seen.account_data.events,
      seen.rooms.join[room]?.account_data.events,
    ]
    const gone = [{ type: 'test.type', content: {} }]
    assert.deepEqual(shown(await alice.sync({ filter: ownOnly })), [gone, gone])
    assert.deepEqual((await alice.sync()).account_data.events, [])
    const left = [{ type: 'test.type.other', content: {} }]
    assert.deepEqual(shown(await alice.anew().sync({ filter: ownOnly })), [left, left])
    await alice.ok('PUT', `user/${alice.id}/account_data/test.type`, { animal: 'rats' })
    assert.deepEqual(await alice.ok('GET', `user/${alice.id}/account_data/test.type`), { animal: 'rats' })
    await alice.refused('M_BAD_JSON', 'DELETE', `${unstable}/account_data/m.push_rules`)
    await alice.refused('M_BAD_JSON', 'DELETE', `${unstable}/rooms/${room}/account_data/m.fully_read`)
    const bob = await hs.user('bob')
    await bob.refused('M_FORBIDDEN', 'DELETE', `${unstable}/account_data/test.type`)
  })

  test('that was deleted is forgotten in the end', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    await alice.sync()
    for (let index = 0; index <= 100; index++) {
      await alice.ok('PUT', `user/${alice.id}/account_data/test.${index}`, { index })
      await alice.ok('DELETE', `/_matrix/client/unstable/org.matrix.msc3391/user/${alice.id}/account_data/test.${index}`)
    }
    const types = (await alice.sync()).account_data.events.map(({ type }) => type)
    assert.deepEqual([types.length, types.includes('test.0'), types.includes('test.100')], [100, false, true])
  })

  test('of others can be neither read nor written; what the server manages can only be read', async () => {
    await using hs = await syncServer()
    const [alice, bob] = await hs.users('alice', 'bob')
    const room = await alice.createRoom()
    await alice.refused('M_FORBIDDEN', 'GET', `user/${bob.id}/account_data/test.type`)
    await alice.refused('M_FORBIDDEN', 'PUT', `user/${bob.id}/account_data/test.type`, {})
    await alice.refused('M_NOT_FOUND', 'GET', `user/${alice.id}/account_data/test.type`)
    for (const path of ['account_data/m.push_rules', `rooms/${room}/account_data/m.fully_read`]) {
      const { status } = await alice.refused('M_BAD_JSON', 'PUT', `user/${alice.id}/${path}`, {})
      assert.equal(status, 405)
    }
    const rules = await alice.ok('GET', `user/${alice.id}/account_data/m.push_rules`)
    assert.deepEqual(rules, await alice.ok('GET', 'pushrules/'))
  })
})

describe('tags', () => {
  test('are set, listed, told and removed', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const tags = `user/${alice.id}/rooms/${room}/tags`
    await alice.sync()
    await alice.ok('PUT', `${tags}/u.work`, { order: 0.5 })
    await alice.ok('PUT', `${tags}/__proto__`, { order: 0.1 })
    const events = async () => (await alice.room(room)).account_data.events.map((event) => JSON.stringify(event))
    const both = '{"tags":{"u.work":{"order":0.5},"__proto__":{"order":0.1}}}'
    assert.deepEqual(await events(), [`{"type":"m.tag","content":${both}}`])
    assert.equal((await alice.call('GET', tags)).text, both)
    await alice.ok('DELETE', `${tags}/__proto__`)
    await alice.ok('DELETE', `${tags}/u.work`)
    assert.deepEqual(await events(), ['{"type":"m.tag","content":{"tags":{}}}'])
    assert.equal((await alice.call('PUT', `${tags}/${'x'.repeat(256)}`, {})).status, 400)
  })
})

describe('read markers', () => {
  test('are account data of the room, and move back only where the client says so', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const [first, second] = [await alice.send(room, '1'), await alice.send(room, '2')]
    await alice.sync()
    await alice.ok('POST', `rooms/${room}/read_markers`, { 'm.fully_read': second, 'm.read': second })
    const seen = await alice.room(room)
    assert.deepEqual(seen.account_data.events, [{ type: 'm.fully_read', content: { event_id: second } }])
    assert.deepEqual(Object.keys(seen.ephemeral.events[0]?.content ?? {}), [second])
    await alice.ok('POST', `rooms/${room}/read_markers`, { 'm.fully_read': first })
    assert.deepEqual((await alice.sync()).rooms.join, {})
    const backward = { 'com.beeper.allow_backward': true }
    await alice.ok('POST', `rooms/${room}/read_markers`, { 'm.fully_read': first, 'm.read': first, ...backward })
    const moved = await alice.room(room)
    assert.deepEqual([moved.account_data.events[0]?.content, moved.ephemeral.events], [{ event_id: first }, []])
    await alice.ok('POST', `rooms/${room}/receipt/m.fully_read/${second}`, backward)
    await alice.ok('POST', `rooms/${room}/receipt/m.fully_read/${first}`, backward)
    assert.deepEqual((await alice.room(room)).account_data.events[0]?.content, { event_id: first })
    await alice.refused('M_INVALID_PARAM', 'POST', `rooms/${room}/receipt/m.read/${first}`, backward)
    await alice.refused('M_NOT_FOUND', 'POST', `rooms/${room}/read_markers`, { 'm.fully_read': '$nosuch' })
  })
})

describe('filters', () => {
  test('are kept under an id, the same one under the same', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const filter = { room: { timeline: { limit: 1 } } }
    const define = () => alice.ok('POST', `user/${alice.id}/filter`, filter)
    const [{ filter_id: id }, again] = [await define(), await define()]
    assert.equal(again['filter_id'], id)
    assert.deepEqual(await alice.ok('GET', `user/${alice.id}/filter/${String(id)}`), filter)
    assert.equal((await alice.syncFrom(undefined, { filter: String(id) })).rooms.join[room]?.timeline.events.length, 1)
    await alice.refused('M_NOT_FOUND', 'GET', `user/${alice.id}/filter/999`)
    await alice.refused('M_INVALID_PARAM', 'GET', 'sync?filter=999')
    for (const wrong of ['true', 1]) {
      const { status } = await alice.call('POST', `user/${alice.id}/filter`, { room: { state: { lazy_load_members: wrong } } })
      assert.equal(status, 400)
    }
  })

  test('choose rooms', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const [one, two] = [await alice.createRoom(), await alice.createRoom()]
    const joined = async (room: { rooms?: string[]; not_rooms?: string[] }) =>
      Object.keys((await alice.anew().sync({ filter: { room } })).rooms.join)
    assert.deepEqual(await joined({ rooms: [one] }), [one])
    assert.deepEqual(await joined({ not_rooms: [one] }), [two])
    assert.deepEqual(await joined({ rooms: [] }), [])
  })
})
