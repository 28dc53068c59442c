import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testHomeserver, type TestHomeserver } from '../support/homeserver.ts'
import { sharedSecretRegistration } from '../support/shared-secret.ts'
import { call, TestUser } from '../support/user.ts'

const pathOf = (user: string) => `/_synapse/admin/v1/users/${encodeURIComponent(user)}/override_ratelimit`
const slow = { per_second: 0.001, burst: 3 }

async function admin(hs: TestHomeserver): Promise<TestUser> {
  const path = '/_synapse/admin/v1/register'
  const nonce = String((await call(hs, 'GET', path)).body['nonce'])
  const { body } = await call(hs, 'POST', path, sharedSecretRegistration(nonce, 'boss', 'a long password', true))
  return new TestUser(hs, String(body['user_id']), String(body['access_token']), String(body['device_id']))
}

test('an administrator gives a user other limits than others have', async () => {
  await using hs = await testHomeserver({ config: { rate_limits: { message: slow } } })
  const boss = await admin(hs)
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const path = pathOf(alice.id)
  let transactions = 0
  const sent = async (count: number) => {
    const statuses: number[] = []
    for (let i = 0; i < count; i++) {
      const { status } = await alice.call('PUT', `rooms/${encodeURIComponent(room)}/send/m.room.message/${transactions++}`, {
        body: 'x',
      })
      statuses.push(status)
    }
    return statuses
  }
  assert.deepEqual(await boss.ok('GET', path), {})
  assert.deepEqual(await sent(4), [200, 200, 200, 429])
  const wish = { messages_per_second: 0.001, burst_count: 5 }
  assert.deepEqual(await boss.ok('POST', path, wish), wish)
  assert.deepEqual(await boss.ok('GET', path), wish)
  await hs.restart()
  assert.deepEqual(await sent(6), [200, 200, 200, 200, 200, 429])
  assert.deepEqual(await boss.ok('POST', path, {}), { messages_per_second: 0, burst_count: 0 })
  assert.deepEqual(await sent(8), Array(8).fill(200))
  assert.deepEqual(await boss.ok('DELETE', path), {})
  assert.deepEqual(await boss.ok('GET', path), {})
  assert.deepEqual((await sent(2)).at(-1), 429)
})

test('only administrators, only users that there are, and only limits that let something through', async () => {
  await using hs = await testHomeserver()
  const [boss, alice] = [await admin(hs), await hs.user('alice')]
  assert.equal((await alice.call('GET', pathOf(alice.id))).status, 403)
  assert.equal((await alice.call('POST', pathOf(alice.id), {})).status, 403)
  assert.equal((await boss.call('GET', pathOf('@nobody:test.example'))).status, 404)
  for (const wrong of [
    { messages_per_second: 5 },
    { burst_count: 5 },
    { messages_per_second: -1, burst_count: 1 },
    { burst_count: 0.5 },
  ])
    assert.equal((await boss.call('POST', pathOf(alice.id), wrong)).status, 400, JSON.stringify(wrong))
})
