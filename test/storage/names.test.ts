import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openStorage } from '../../src/app/storage.ts'

describe('names', () => {
  test('that nothing refers to are found as soon as something does', async () => {
    const { db, names } = openStorage(':memory:', 'OFF')
    await using _closed = db
    assert.equal(await names.find('m.never'), undefined)
    assert.equal((await names.resolve(['m.never'])).known('m.never'), undefined)
    const before = await names.resolve(['m.never', 'm.other'])
    const nid = await db.write((batch) => before.nid(batch, 'm.never'))
    assert.equal(await names.find('m.never'), nid)
    assert.equal((await names.resolve(['m.never'])).known('m.never'), nid)
    assert.equal(await names.find('m.other'), undefined)
    assert.equal(await names.nameOf(nid), 'm.never')
  })

  test('given by a batch that fails are unknown again, and given anew', async () => {
    const { db, names } = openStorage(':memory:', 'OFF')
    await using _closed = db
    assert.equal(await names.find('m.never'), undefined)
    const resolved = await names.resolve(['m.never'])
    const failed = db.write((batch) => {
      resolved.nid(batch, 'm.never')
      batch.run('INSERT INTO names (nid, name) VALUES (?, ?)', 1, null)
    })
    await assert.rejects(failed)
    const again = await names.resolve(['m.never'])
    const nid = await db.write((batch) => again.nid(batch, 'm.never'))
    assert.equal(await names.find('m.never'), nid)
  })
})
