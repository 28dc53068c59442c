/** Kills a server under load twenty times, or as often as is said, and checks what is left: `npm run crash [-- ROUNDS [SEED]]`. */
import { CrashTest } from '../test/crash/crash.ts'

const rounds = Number(process.argv[2] ?? 20)
const seed = Number(process.argv[3] ?? Date.now() % 100_000)

process.stdout.write(`seed ${seed}\n`)
await using crash = await CrashTest.start(seed)
let acknowledged = 0
for (let round = 1; round <= rounds; round++) {
  const counts = await crash.round()
  acknowledged += counts.acknowledged
  process.stdout.write(
    `round ${round}: ${counts.acknowledged} acknowledged, ${counts.interrupted} interrupted of which ${counts.survivors} survived, ` +
      `${counts.events} events in all\n`,
  )
}
process.stdout.write(`${rounds} rounds, ${acknowledged} acknowledged events, none lost or doubled\n`)
