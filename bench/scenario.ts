/** What a measurement is made of. */
import { ServerProcess, type ServerProcessOptions } from '../test/support/server-process.ts'
import { federatedSettings } from '../test/support/federated-settings.ts'
import { type BenchUser, registerUser } from './user.ts'

export interface Scenario {
  /** What is counted, such as `send, one user`. */
  readonly title: string
  readonly mark?: Mark
  run(bench: Bench): Promise<Measured>
}

/** Most CPU time (milliseconds) and memory of one unit, and fewest units a second. */
export interface Mark {
  readonly cpuMs?: number
  readonly perSecond?: number
  readonly kilobytes?: number
}

export interface Measured {
  readonly perSecond: number
  /** Of one operation, in milliseconds. */
  readonly p50: number
  readonly p99: number
  /** The server's CPU time for one unit, in milliseconds. */
  readonly cpuMs: number
  /** The memory that one unit has taken, where that is measured. */
  readonly kilobytes?: number
}

export interface Load {
  /** Operations that are under way at a time. */
  readonly lanes: number
  /** Operations that are not counted, and those that are. */
  readonly warmUp: number
  readonly count: number
  /** Units of one operation, such as deliveries of one message. */
  readonly units?: number
  /** Done before each operation; takes no part in how long it took. */
  readonly before?: () => Promise<void>
}

export type Operation = (index: number, lane: number) => Promise<unknown>

export interface Bench {
  /** Starts servers that federate, beside the one that is measured otherwise. */
  readonly federation: (count: number) => Promise<ServerProcess[] & AsyncDisposable>
  /** Starts a server of its own, for what depends on the memory of the others. */
  readonly server: () => Promise<ServerProcess>
  readonly users: (count: number) => Promise<BenchUser[]>
  readonly measure: (load: Load, operation: Operation) => Promise<Measured>
}

/** A bench over one server, whose users they are; others are started as `options` say. */
export function benchOver(server: ServerProcess, options: ServerProcessOptions): Bench {
  return {
    federation: (count) => startFederation(count, options),
    server: () => ServerProcess.start(options),
    users: (count) => Promise.all(Array.from({ length: count }, () => registerUser(server.url))),
    measure: (load, operation) => measure([server], load, operation),
  }
}

async function startFederation(count: number, options: ServerProcessOptions): Promise<ServerProcess[] & AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  const settings = stack.use(await federatedSettings(count))
  const servers: ServerProcess[] = []
  for (const { name, listeners, federation } of settings.servers)
    servers.push(stack.use(await ServerProcess.start({ ...options, name, config: { listeners, federation } })))
  return Object.assign(servers, { [Symbol.asyncDispose]: () => stack.disposeAsync() })
}

/** Runs an operation many times and says what it took of the servers. */
export async function measure(
  servers: readonly Pick<ServerProcess, 'cpuMs'>[],
  load: Load,
  operation: Operation,
): Promise<Measured> {
  const cpuMs = () => servers.reduce((sum, server) => sum + server.cpuMs(), 0)
  await runLanes(load, 0, load.warmUp, operation)
  const cpuBefore = cpuMs()
  const started = performance.now()
  const times = (await runLanes(load, load.warmUp, load.warmUp + load.count, operation)).sort((a, b) => a - b)
  const seconds = (performance.now() - started) / 1000
  const units = load.count * (load.units ?? 1)
  const percentile = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN
  return {
    perSecond: units / seconds,
    p50: percentile(0.5),
    p99: percentile(0.99),
    cpuMs: (cpuMs() - cpuBefore) / units,
  }
}

/** Operations `from` to `to`, as many at a time as there are lanes; resolves with how long each took, in milliseconds. */
async function runLanes({ lanes, before }: Load, from: number, to: number, operation: Operation): Promise<number[]> {
  let next = from
  const times: number[] = []
  const run = async (lane: number) => {
    for (let index = next++; index < to; index = next++) {
      await before?.()
      const started = performance.now()
      await operation(index, lane)
      times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)))
  return times
}

/** The item at an index that is known to be there. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new Error('The list is empty')
  return item
}
