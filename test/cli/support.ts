/** Runs the real command line in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'

const CLI = resolve(import.meta.dirname, '../../cli.ts')

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'causeway-cli-'))

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text)
  }

  /** Starts `causeway ARGS`, or another program of the same kind. */
  start(args: readonly string[], env: Record<string, string> = {}, program = CLI): Running {
    const { PATH = '', NODE_OPTIONS = '' } = process.env
    const settings = { PATH, NODE_OPTIONS, ...env }
    return new Running(spawn(process.execPath, [program, ...args], { cwd: this.path, env: settings }))
  }

  /** Runs `causeway ARGS` to its end. */
  async run(args: readonly string[], options: { env?: Record<string, string>; input?: string } = {}): Promise<Finished> {
    const running = this.start(args, options.env)
    running.process.stdin?.end(options.input ?? '')
    return running.finished
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true })
  }
}

export class Running implements AsyncDisposable {
  readonly process: ChildProcess
  readonly finished: Promise<Finished>
  #out = ''
  #err = ''

  constructor(child: ChildProcess) {
    this.process = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#out += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#err += text))
    this.finished = once(child, 'close').then(([code]: (number | null)[]) => ({
      code: code ?? null,
      out: this.#out,
      err: this.#err,
    }))
  }

  /** Waits until what it says to people matches; fails with all of it where it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#gives(pattern, this.process.stderr)
  }

  /** As `says`, for what it prints as its result. */
  prints(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#gives(pattern, this.process.stdout)
  }

  async #gives(pattern: RegExp, stream: Readable | null): Promise<RegExpExecArray> {
    let ended = false
    void this.finished.then(() => (ended = true))
    for (;;) {
      const match = pattern.exec(stream === this.process.stdout ? this.#out : this.#err)
      if (match !== null) return match
      if (ended) throw new Error(`It ended without saying ${pattern}:\n${this.#err}`)
      await Promise.race([once(stream ?? this.process, 'data'), this.finished])
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL')
    await this.finished
  }
}
