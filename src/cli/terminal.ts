/** The terminal of this process. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { Terminal } from './command.ts'

export function processTerminal(): Terminal {
  return {
    env: process.env,
    cwd: process.cwd(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readSecret,
    isInteractive: process.stdin.isTTY === true,
  }
}

async function readSecret(prompt: string): Promise<string> {
  process.stderr.write(prompt)
  // Readline echoes into this; a terminal shows nothing of what is typed.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: process.stdin.isTTY === true })
  const { promise, resolve } = Promise.withResolvers<string>()
  lines.once('line', resolve)
  lines.once('close', () => resolve(''))
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const line = await promise
  lines.close()
  if (prompt !== '') process.stderr.write('\n')
  return line
}
