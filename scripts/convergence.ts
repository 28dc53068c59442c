/** Lets three servers fall apart and heal, a thousand times or as often as is said: `node scripts/convergence.ts [SEEDS [FIRST]]`. */
import { Convergence } from '../test/rooms/convergence.ts'

const seeds = Number(process.argv[2] ?? 1000)
const first = Number(process.argv[3] ?? 1)
const total = { events: 0, accepted: 0, softFailed: 0, rejected: 0, disputed: 0 }
const failed: number[] = []

await using servers = new Convergence()
for (let seed = first; seed < first + seeds; seed++) {
  try {
    const outcome = await servers.run(seed)
    for (const key of ['events', 'accepted', 'softFailed', 'rejected', 'disputed'] as const) total[key] += outcome[key]
  } catch (cause) {
    failed.push(seed)
    process.stdout.write(`seed ${seed}: ${cause instanceof Error ? cause.stack : String(cause)}\n`)
  }
}
process.stdout.write(
  `${seeds} seeds, ${total.events} events; on all four servers ${total.accepted} accepted, ${total.softFailed} soft-failed, ` +
    `${total.rejected} rejected; ${total.disputed} events shown here and not there; ` +
    `${failed.length} seeds without agreement${failed.length > 0 ? `: ${failed.join(' ')}` : ''}\n`,
)
process.exitCode = failed.length > 0 ? 1 : 0
