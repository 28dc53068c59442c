/** The thread that owns the writing connection: an fsync of a slow disk stops this thread, never the event loop. */
import { parentPort, workerData } from 'node:worker_threads'
import { Executor, type Group, type WriterOptions } from './executor.ts'

const port = parentPort
if (!port) throw new Error('writer-thread.ts runs as a worker thread')

const executor = new Executor(workerData as WriterOptions)
port.on('message', (message: Group | 'close') => {
  if (message === 'close') {
    executor.close()
    port.postMessage({ closed: true })
    port.close()
    return
  }
  try {
    executor.commit(message)
    port.postMessage({})
  } catch (cause) {
    port.postMessage({ failure: cause instanceof Error ? cause.message : String(cause) })
  }
})
