/** One storage measurement in a process of its own: `node workload.ts homes thread|loop` or `node workload.ts layout NAME`. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { RoomId, ServerName, UserId } from '../../schemas/ids.ts'
import { createRoomCore } from '../../src/app/rooms.ts'
import { openStorage } from '../../src/app/storage.ts'
import { systemClock } from '../../src/core/clock.ts'
import { roomRules } from '../../src/protocol/room-versions.ts'
import { Executor, type Group } from '../../src/storage/executor.ts'
import type { Writer } from '../../src/storage/writer.ts'
import { NO_POLICY_SIGNER } from '../../test/support/no-policy-signer.ts'

const SERVER = 'bench.example' as ServerName
const WRITERS = 50

/** The writer in the event loop's own thread, for comparison. */
function writerInLoop(path: string): Writer {
  const executor = new Executor({ path, synchronous: 'FULL' })
  return {
    commit: async (group: Group) => executor.commit(group),
    close: async () => executor.close(),
  }
}

async function main(home: string, count: number) {
  const folder = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'causeway-bench-'))
  const path = join(folder, 'bench.db')
  const storage = openStorage(path, 'FULL', home === 'loop' ? writerInLoop(path) : undefined)
  const { heads, sender } = createRoomCore(SERVER, systemClock, storage, NO_POLICY_SIGNER)
  const rules = roomRules('10')
  if (!rules) throw new Error('room version 10 is missing')
  const room = await storage.db.write((batch) => storage.rooms.create(batch, '!bench:bench.example' as RoomId, rules))
  const user = (i: number) => `@user${i}:${SERVER}` as UserId
  const alice = user(0)
  const writes = await heads.locked(room.roomId, () =>
    storage.db.together(room.nid, async () => {
      const written: Promise<void>[] = []
      const state = async (type: string, content: object) =>
        written.push(
          (
            await sender.queue(room, {
              sender: alice,
              type,
              stateKey: type === 'm.room.member' ? alice : '',
              content: { ...content },
            })
          ).written,
        )
      await state('m.room.create', { creator: alice, room_version: '10' })
      await state('m.room.member', { membership: 'join' })
      await state('m.room.power_levels', { users: { [alice]: 100 } })
      await state('m.room.join_rules', { join_rule: 'public' })
      return written
    }),
  )
  await Promise.all(writes)
  for (let i = 1; i < WRITERS; i++) {
    await sender.send(room, { sender: user(i), type: 'm.room.member', stateKey: user(i), content: { membership: 'join' } })
  }
  await measure(count, (i) =>
    sender.send(
      room,
      { sender: user(i % WRITERS), type: 'm.room.message', content: { msgtype: 'm.text', body: body(i) } },
      { device: i % WRITERS, id: `send\n${i}` },
    ),
  )
  await storage.db[Symbol.asyncDispose]()
  process.stdout.write(
    `${JSON.stringify({ bytesPerEvent: bytesByTable(path, count + WRITERS), file: Math.round(statSync(path).size / (count + WRITERS)) })}\n`,
  )
  rmSync(folder, { recursive: true })
}

/** Bytes an event in each table and index that takes more than one, from SQLite's own statistics. */
function bytesByTable(path: string, events: number): Record<string, number> {
  const db = new Sqlite(path)
  const rows = db.prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY 2 DESC').all() as {
    name: string
    bytes: number
  }[]
  db.close()
  return Object.fromEntries(
    rows.map(({ name, bytes }) => [name, Math.round(bytes / events)] as const).filter(([, bytes]) => bytes > 0),
  )
}

async function measure(count: number, send: (i: number) => Promise<unknown>): Promise<void> {
  const lag = monitorEventLoopDelay({ resolution: 1 })
  lag.enable()
  const cpu = process.cpuUsage()
  const started = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (let i = next++; i < count; i = next++) await send(i)
    }),
  )
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  process.stdout.write(
    `${JSON.stringify({ perSecond: Math.round(count / seconds), cpuMicros: Math.round((user + system) / count), lagP99Ms: Number((lag.percentile(99) / 1e6).toFixed(1)), lagMaxMs: Number((lag.max / 1e6).toFixed(1)) })}\n`,
  )
}

const body = (i: number) =>
  `Message number ${i}: ${'some words of a usual message, as people write them all day long. '.repeat(1 + (i % 4))}`

await main(process.argv[2] ?? 'thread', Number(process.argv[3] ?? 20_000))
