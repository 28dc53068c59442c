import type { Terminal } from './command.ts'

/** npm passes a terminal's Ctrl-C on, so that one press arrives twice. */
const ECHO_MS = 300
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 }

/** Resolves at the first signal; another one ends the process at once. */
export function stopSignal(terminal: Pick<Terminal, 'err'>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let firstAt: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = performance.now()
        resolve()
      } else if (performance.now() - firstAt > ECHO_MS) {
        abandon(terminal, 'Stopped at once\n', EXIT_CODES[signal])
      }
    })
  }
  return promise
}

/** What is committed is safe; everything else is lost. */
export function abandon(terminal: Pick<Terminal, 'err'>, message: string, exitCode: number): never {
  terminal.err(message)
  process.exit(exitCode)
}
