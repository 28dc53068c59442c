/** A program that is no Causeway, to compare with: what a machine takes for the like at this moment. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { cpuMsOf } from '../test/support/process-usage.ts'

export class BareProcess implements Disposable {
  readonly url: string
  readonly #child: ReturnType<typeof spawn>

  private constructor(url: string, child: ReturnType<typeof spawn>) {
    this.url = url
    this.#child = child
  }

  /** @param program a file of this folder that writes the port on which it listens */
  static async start(program: string): Promise<BareProcess> {
    const child = spawn(process.execPath, [join(import.meta.dirname, program)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [port] = await once(child.stdout, 'data')
    return new BareProcess(`http://127.0.0.1:${String(port).trim()}`, child)
  }

  cpuMs(): number {
    return cpuMsOf(this.#child.pid ?? 0)
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}
