/** What Linux says about a process. */
import { readFileSync } from 'node:fs'

/** Linux counts the time of processes in hundredths of a second. */
const MS_PER_TICK = 10

/** The time on processors that all threads of a process together have taken, in milliseconds, to 10 ms. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
}

/** The resident memory of a process, in bytes. */
export function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}
