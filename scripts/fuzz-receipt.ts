/** Sends a million spoiled events through the checks on receipt: `node scripts/fuzz-receipt.ts [RECEIVED [PARSED [SEED]]]`. */
import { ReceiptFuzz } from '../test/rooms/receipt-fuzz.ts'

const [received = 1_000_000, parsed = 1_000_000, seed = Date.now() % 100_000] = process.argv.slice(2).map(Number)

process.stdout.write(`seed ${seed}\n`)
for (const [title, run] of [
  [`${parsed} parsed`, (fuzz: ReceiptFuzz) => fuzz.parse(parsed)],
  [`${received} received`, (fuzz: ReceiptFuzz) => fuzz.receive(received)],
] as const) {
  await using fuzz = new ReceiptFuzz(seed)
  const started = performance.now()
  await run(fuzz)
  const seconds = Math.round((performance.now() - started) / 1000)
  process.stdout.write(
    `${title} in ${seconds} s: ${JSON.stringify(fuzz.counts)}, ${fuzz.slow.length} slow, the slowest ${fuzz.slowestMs} ms\n`,
  )
  for (const text of fuzz.slow.slice(0, 20)) process.stdout.write(`slow: ${text}\n`)
  if (fuzz.slow.length > 0) process.exitCode = 1
}
