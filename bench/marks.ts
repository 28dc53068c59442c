/** Prints what was measured beside the mark that it should not exceed. */
export function report(what: string, value: number, unit: string, mark?: number): void {
  const verdict = mark === undefined ? '' : `  <= ${mark} ${value <= mark ? 'ok' : 'OVER'}`
  process.stdout.write(`${what.padEnd(76)} ${value.toFixed(3).padStart(10)} ${unit}${verdict}\n`)
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** CPU time of the main thread while a task runs, in microseconds: what others do on the machine does not count. */
export async function mainThreadMicros(task: () => Promise<unknown>): Promise<number> {
  const started = process.threadCpuUsage()
  await task()
  const { user, system } = process.threadCpuUsage(started)
  return user + system
}

/** The same of all threads. */
export async function allThreadsMicros(task: () => Promise<unknown>): Promise<number> {
  const started = process.cpuUsage()
  await task()
  const { user, system } = process.cpuUsage(started)
  return user + system
}
