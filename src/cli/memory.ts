/**
 * What V8 and the C library take beyond what lives: V8's own limits are made for machines with one program on them, and let a
 * busy server's nursery grow to 134 MB and its heap to four times of what lives in it.
 */
const V8_OPTIONS = ['--max-semi-space-size=16', '--heap-growing-percent=100']
/** Otherwise each thread has a heap of its own for what it takes from the C library. */
const ENVIRONMENT = { MALLOC_ARENA_MAX: '2' }

/**
 * Sees to it that the process runs with these options: in place of itself (the same process id, terminal and files), it starts
 * the same command with them. That is left out where the options are there, or others in their place, and on Windows.
 */
export function limitMemory(): void {
  const given = `${process.execArgv.join(' ')} ${process.env['NODE_OPTIONS'] ?? ''}`
  if (process.platform === 'win32' || given.includes('--max-semi-space-size')) return
  const command = [process.execPath, ...process.execArgv, ...V8_OPTIONS, ...process.argv.slice(1)]
  process.execve?.(process.execPath, command, { ...process.env, ...ENVIRONMENT })
}
