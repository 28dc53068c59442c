import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReceiptFuzz } from './receipt-fuzz.ts'

test('10,000 spoiled events are parsed: none crashes or holds up the parser', async () => {
  await using fuzz = new ReceiptFuzz(1)
  await fuzz.parse(10_000)
  for (const outcome of ['no JSON', 'refused by form', 'allowed', 'not allowed'])
    assert.ok((fuzz.counts[outcome] ?? 0) > 200, `${outcome}: ${JSON.stringify(fuzz.counts)}`)
})

test('10,000 spoiled events are received: none crashes the receipt, none is kept with a wrong hash or signature', async () => {
  await using fuzz = new ReceiptFuzz(2)
  await fuzz.receive(10_000)
  for (const outcome of ['accepted', 'rejected', 'known', 'refused by form or signature'])
    assert.ok((fuzz.counts[outcome] ?? 0) > 20, `${outcome}: ${JSON.stringify(fuzz.counts)}`)
})
