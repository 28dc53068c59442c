import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { OperatorError } from '../../core/operator-error.ts'
import type { ServerFiles } from './layout.ts'

const STARTED = 'Clients connect to '
/** A little more than `serve` takes at most. */
const STOP_WITHIN_MS = 7_000

/** One server of a fleet, in a process of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly files: ServerFiles
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #said = ''

  private constructor(files: ServerFiles, child: ChildProcess) {
    this.files = files
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
    this.#ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
    // However this process ends, it leaves no server behind.
    const kill = () => void child.kill('SIGKILL')
    process.once('exit', kill)
    void this.#ended.then(() => process.off('exit', kill))
  }

  /** Starts it. */
  static spawn(files: ServerFiles): ServerProcess {
    // This very program. Settings in the environment are meant for other servers than these.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CAUSEWAY_')))
    const args = [...process.argv.slice(1, 2), 'serve']
    return new ServerProcess(
      files,
      spawn(process.execPath, args, { cwd: files.folder, env, stdio: ['ignore', 'ignore', 'pipe'] }),
    )
  }

  /** Resolves when it listens. Rejects with OperatorError, with its own words, where it ends instead. */
  async ready(signal: AbortSignal): Promise<void> {
    while (!this.#said.includes(STARTED)) {
      const ended = this.#ended.then((code) => ({ code }))
      const news = await Promise.race([ended, once(this.#child.stderr ?? this.#child, 'data', { signal })])
      if ('code' in news) throw this.#failure('did not start', news.code)
    }
  }

  /** Rejects when it ends without having been told to; else never settles. */
  async died(): Promise<never> {
    const code = await this.#ended
    throw this.#failure('has ended', code)
  }

  /** Stops it in good order; throws OperatorError where it does not end well. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS)
    const code = await this.#ended
    clearTimeout(deadline)
    if (code !== 0) throw this.#failure('did not stop well', code)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  #failure(what: string, code: number | null): OperatorError {
    const log = join(this.files.folder, 'log')
    return new OperatorError(
      `${this.files.name} ${what} (${code === null ? 'killed' : `exit code ${code}`}); its log, with --keep: ${log}\n${this.#said.trimEnd()}`,
    )
  }
}
