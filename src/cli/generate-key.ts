import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { newSigningKeyText } from '../config/signing-key.ts'
import type { Command } from './command.ts'

/** A signing key in the format of the key file. */
export const generateKey: Command = {
  summary: 'Make a signing key.',
  options: {
    out: { value: 'FILE', help: 'Write it to a new file that only its owner can read, instead of the standard output.' },
  },
  positionals: [],
  async run({ options }, terminal) {
    const file = options['out']
    if (typeof file === 'string') writeFileSync(resolve(terminal.cwd, file), newSigningKeyText(), { mode: 0o600, flag: 'wx' })
    else terminal.out(newSigningKeyText())
    return 0
  },
}
