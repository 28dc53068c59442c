import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Group, WriterOptions } from './executor.ts'

/** Where groups of operations become durable; it is given the next group only after it has answered for the last. */
export interface Writer {
  /** Resolves when the group is on disk; rejects when nothing of it is. */
  commit(group: Group): Promise<void>
  close(): Promise<void>
}

interface Answer {
  failure?: string
  closed?: boolean
}

/** What a commit leaves behind is dead with it: a small nursery does, where V8 would let it grow to 100 MB. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 6 }

/** Starts the writer's thread over the database file at `options.path`. */
export function startWriter(options: WriterOptions): Writer {
  const file = new URL(`./writer-thread${extname(import.meta.filename)}`, import.meta.url)
  const thread = new Worker(file, { workerData: options, resourceLimits: RESOURCE_LIMITS })
  let waiting: { resolve: () => void; reject: (cause: Error) => void } | undefined
  let broken: Error | undefined
  const answer = (settle: (waiter: NonNullable<typeof waiting>) => void) => {
    const waiter = waiting
    waiting = undefined
    if (waiter) settle(waiter)
  }
  thread.on('message', ({ failure }: Answer) =>
    answer((waiter) =>
      failure === undefined ? waiter.resolve() : waiter.reject(new Error(`the database refused a write: ${failure}`)),
    ),
  )
  thread.on('error', (cause) => {
    broken = cause instanceof Error ? cause : new Error(String(cause))
    answer((waiter) => waiter.reject(broken ?? new Error('the database writer stopped')))
  })
  const ask = (message: Group | 'close', transfer: ArrayBuffer[]) =>
    new Promise<void>((resolve, reject) => {
      if (broken) return reject(broken)
      waiting = { resolve, reject }
      thread.postMessage(message, transfer)
    })
  return {
    commit: (group) => ask(group, [group.operations.buffer]),
    close: () => ask('close', []),
  }
}
