import type { Logger } from '../core/logger.ts'
import type { Worker } from '../core/worker.ts'

/** Starts the workers; disposing stops them and waits until each is at rest. */
export function runWorkers(workers: readonly Worker[], log: Logger): AsyncDisposable {
  const stop = new AbortController()
  const running = workers.map((worker) =>
    worker
      .run(stop.signal)
      .catch((cause: unknown) => log.fatal({ err: cause, worker: worker.name }, 'A worker failed and does not run any more')),
  )
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await Promise.all(running)
    },
  }
}
