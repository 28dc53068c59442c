/** A server in a process of its own, over files of its own: for measurements, and for tests that kill it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { JsonObject } from '../../schemas/json.ts'
import { Running } from '../cli/support.ts'
import { cpuMsOf, memoryOf } from './process-usage.ts'
import { SHARED_SECRET } from './shared-secret.ts'

export interface ServerProcessOptions {
  readonly name?: string
  /** Settings over those of measurements, as the configuration file has them. */
  readonly config?: JsonObject
  /** The command line to run; that of the sources, unless said otherwise. */
  readonly program?: string
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[]
}

const SOURCES = resolve(import.meta.dirname, '../../cli.ts')
/** As the sources, with answers that are checked: see `end`. */
export const CHECKED = resolve(import.meta.dirname, 'checked-cli.ts')

export class ServerProcess implements AsyncDisposable {
  readonly #folder: string
  readonly #command: readonly string[]
  #running: Running | undefined
  #url = ''

  private constructor(folder: string, { program = SOURCES, nodeOptions = [] }: ServerProcessOptions) {
    this.#folder = folder
    this.#command = [...nodeOptions, program, 'serve', '--config', join(folder, 'causeway.yaml')]
  }

  /** Starts a server over a new database; resolves when it listens. */
  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'causeway-process-'))
    await mkdir(join(folder, 'data'))
    await writeFile(join(folder, 'causeway.yaml'), JSON.stringify(settings(folder, options)))
    await using stack = new AsyncDisposableStack()
    const server = stack.use(new ServerProcess(folder, options))
    await server.start()
    stack.move()
    return server
  }

  /** Where clients reach it, over plain HTTP. It may change with a start. */
  get url(): string {
    return this.#url
  }

  /** The path of its database. */
  get database(): string {
    return join(this.#folder, 'data/homeserver.db')
  }

  /** The path of its log, a line of JSON for each entry. */
  get log(): string {
    return join(this.#folder, 'log')
  }

  /** Starts it over the files that it left. */
  async start(): Promise<void> {
    const child: ChildProcess = spawn(process.execPath, this.#command, { cwd: this.#folder })
    this.#running = new Running(child)
    const [, url = ''] = await this.#running.says(/ serves \S+ at (http:\S+)/)
    this.#url = url
  }

  /** Ends it, without a chance to tidy up or with one; resolves when it is gone, fails where it gave an undeclared answer. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#running?.process.kill(signal)
    const finished = await this.#running?.finished
    assert.doesNotMatch(finished?.err ?? '', /is not as declared/)
  }

  /** The time on processors that all its threads together have taken, in milliseconds. */
  cpuMs(): number {
    return cpuMsOf(this.#pid)
  }

  /** Its resident memory, in bytes. */
  memory(): number {
    return memoryOf(this.#pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM')
    await rm(this.#folder, { recursive: true })
  }

  get #pid(): number {
    return this.#running?.process.pid ?? 0
  }
}

function settings(folder: string, { name = 'test.example', config }: ServerProcessOptions): JsonObject {
  return {
    server_name: name,
    public_base_url: 'http://127.0.0.1',
    listeners: [{ port: 0 }],
    log: { file: join(folder, 'log'), format: 'json' },
    registration: { shared_secret: SHARED_SECRET },
    password: { hash_cost: 'minimal' },
    rate_limits: { enabled: false },
    federation: { enabled: false },
    sync: { response_cache_ms: 0 },
    ...config,
  }
}
