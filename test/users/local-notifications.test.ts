import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anotherDevice } from '../devices/support.ts'
import { testHomeserver } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'

const typeOf = ({ deviceId }: TestUser) => `org.matrix.msc3890.local_notification_settings.${deviceId}`

test('whether a device shows notifications is forgotten with the device', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  const phone = await anotherDevice(hs, alice)
  const at = (device: TestUser) => `user/${alice.id}/account_data/${typeOf(device)}`
  for (const device of [alice, phone]) await alice.ok('PUT', at(device), { is_silenced: true })
  await alice.sync()
  await phone.ok('POST', 'logout', {})
  await alice.refused(404, 'M_NOT_FOUND', 'GET', at(phone))
  assert.deepEqual(await alice.ok('GET', at(alice)), { is_silenced: true })
  assert.deepEqual((await alice.sync()).account_data.events, [{ type: typeOf(phone), content: {} }])
})
