/**
 * Measures a built server in a process of its own, over real HTTP and a real disk: `npm run bench [-- NAME ...]`.
 * The marks are those of design: CPU time of all threads for one unit, and units a second.
 * On few processors it matters where the system puts the load process: beside the server on one (`taskset -c 0 npm run bench`)
 * numbers repeat best; on another, each request that comes by itself wakes a processor, which may cost as much as the request.
 * `--profile=FOLDER` leaves CPU profiles of the server there, for bench/profile.ts; `--program=FILE` runs another build.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ServerProcess } from '../test/support/server-process.ts'
import { type Bench, benchOver, type Measured, type Scenario } from './scenario.ts'
import { bareServer } from './scenarios/bare-server.ts'
import { bareSockets } from './scenarios/bare-sockets.ts'
import { createRoom } from './scenarios/create-room.ts'
import { deliveries } from './scenarios/deliveries.ts'
import { federation } from './scenarios/federation.ts'
import { firstSync } from './scenarios/first-sync.ts'
import { firstSyncLarge } from './scenarios/first-sync-large.ts'
import { idlePolls } from './scenarios/idle-polls.ts'
import { join } from './scenarios/join.ts'
import { members } from './scenarios/members.ts'
import { messages } from './scenarios/messages.ts'
import { sendOne } from './scenarios/send-one.ts'
import { sendRoom } from './scenarios/send-room.ts'
import { sendRooms } from './scenarios/send-rooms.ts'
import { socketDeliveries, socketWays } from './scenarios/socket-deliveries.ts'
import { syncManyRooms } from './scenarios/sync-many-rooms.ts'
import { syncNothingNew } from './scenarios/sync-nothing-new.ts'
import { syncOneEvent } from './scenarios/sync-one-event.ts'

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'bare-server': bareServer,
  'send-one': sendOne,
  'send-rooms': sendRooms,
  'send-room': sendRoom,
  join,
  'create-room': createRoom,
  deliveries,
  'bare-sockets': bareSockets,
  'socket-deliveries': socketDeliveries,
  'socket-ways': socketWays,
  'sync-nothing-new': syncNothingNew,
  'sync-one-event': syncOneEvent,
  'sync-many-rooms': syncManyRooms,
  'first-sync': firstSync,
  messages,
  members,
  federation,
  'idle-polls': idlePolls,
}
/** What takes minutes to prepare is run by its name only. */
const LONG: Readonly<Record<string, Scenario>> = { 'first-sync-large': firstSyncLarge }
const ALL: Readonly<Record<string, Scenario>> = { ...SCENARIOS, ...LONG }
const MEMORY_MARK_MB = 150
const WIDTH = 46

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    program: { type: 'string', default: resolve(import.meta.dirname, '../dist/cli.js') },
    profile: { type: 'string' },
  },
})

async function main(): Promise<void> {
  const chosen = names.length === 0 ? Object.keys(SCENARIOS) : names
  const unknown = chosen.filter((name) => ALL[name] === undefined)
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}; there are ${Object.keys(ALL).join(', ')}`)
  const nodeOptions = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profile)}`]
  const run = { program: resolve(options.program), nodeOptions }
  await using server = await ServerProcess.start(run)
  line('', 'a second', 'p50 ms', 'p99 ms', 'CPU ms', 'marks')
  const bench = benchOver(server, run)
  for (const name of chosen) await report(ALL[name], bench)
  const megabytes = server.memory() / 1_000_000
  line(
    'memory after all that, MB',
    megabytes.toFixed(0),
    '',
    '',
    '',
    verdict(megabytes <= MEMORY_MARK_MB, `<= ${MEMORY_MARK_MB}`),
  )
}

async function report(scenario: Scenario | undefined, bench: Bench): Promise<void> {
  if (scenario === undefined) return
  try {
    const measured = await scenario.run(bench)
    const { perSecond, p50, p99, cpuMs } = measured
    line(
      scenario.title,
      Math.round(perSecond).toLocaleString('en'),
      p50.toFixed(2),
      p99.toFixed(2),
      cpuMs.toPrecision(3),
      marks(scenario, measured),
    )
  } catch (cause) {
    process.exitCode = 1
    line(scenario.title, String(cause))
  }
}

function marks({ mark = {} }: Scenario, { cpuMs, perSecond, kilobytes = 0 }: Measured): string {
  const verdicts: string[] = []
  if (mark.cpuMs !== undefined) verdicts.push(verdict(cpuMs <= mark.cpuMs, `<= ${mark.cpuMs} ms`))
  if (mark.perSecond !== undefined) verdicts.push(verdict(perSecond >= mark.perSecond, `>= ${mark.perSecond}/s`))
  if (mark.kilobytes !== undefined)
    verdicts.push(`${kilobytes.toFixed(1)} KB, ${verdict(kilobytes <= mark.kilobytes, `<= ${mark.kilobytes} KB`)}`)
  return verdicts.join(', ') || '-'
}

const verdict = (good: boolean, mark: string): string => `${mark} ${good ? 'ok' : 'OVER'}`

function line(title: string, ...cells: string[]): void {
  process.stdout.write(`${title.padEnd(WIDTH)} ${cells.map((cell) => cell.padStart(9)).join(' ')}\n`)
}

await main()
