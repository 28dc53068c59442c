/** Times of tasks on the main thread, printed with the marks that they must not pass. */

/** Prints a time in milliseconds; `mark` is the most that it may be. */
export function report(what: string, ms: number, mark?: number): void {
  const verdict = mark === undefined ? '' : `  <= ${mark} ${ms <= mark ? 'ok' : 'OVER'}`
  process.stdout.write(`${what.padEnd(88)} ${ms.toFixed(3).padStart(10)} ms${verdict}\n`)
}

/** Milliseconds of CPU time that a task takes on the main thread, on average: what it waits for, and what others do, does not count. */
export async function cpuOf(times: number, task: (n: number) => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage()
  for (let n = 0; n < times; n++) await task(n)
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000 / times
}
