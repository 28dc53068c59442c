import { readFileSync } from 'node:fs'

/** How many files and sockets the system lets this process have open at once; Infinity where it does not say. */
export function openFilesLimit(): number {
  const soft = /^Max open files +(\d+)/m.exec(limits())?.[1]
  return soft === undefined ? Infinity : Number(soft)
}

/** Node has raised the limit as far as it may by the time that this is read. */
function limits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    // Linux alone has that file.
    return ''
  }
}
